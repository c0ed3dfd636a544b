/** In which order announcements come to a receiver, judged by the log. */
import type { Received } from '../receiver.ts'

export interface Announced {
  readonly stream: string
  readonly partitionPath: string
  readonly revision: number
  /** Of the file that shows it. */
  readonly path: string
  /** When its entry stood, as `store.firstSet` counts. */
  readonly decidedAt: number
}

/**
 * A stream's announcement comes when all that were decided before it have come, or a later revision
 * of theirs has been decided, which stands for them. That one comes again and late is nothing.
 *
 * @param announced in the order of the log, by manifest id.
 */
export function wrongOrder(
  received: readonly Received[],
  announced: ReadonlyMap<string, Announced>,
): readonly string[] {
  const came = new Set<string>()
  return received.flatMap(({ manifest, afterSet }) => {
    const isAgain = came.has(manifest.id)
    came.add(manifest.id)
    const told = announced.get(manifest.id)
    if (isAgain || told === undefined) return []
    const all = [...announced].filter(([, { stream }]) => stream === told.stream)
    const before = all.slice(
      0,
      all.findIndex(([id]) => id === manifest.id),
    )
    const missing = before.find(([id, { partitionPath, revision }]) => {
      if (came.has(id)) return false
      const isOvertaken = all.some(
        ([, other]) =>
          other.partitionPath === partitionPath &&
          other.revision > revision &&
          other.decidedAt <= afterSet,
      )
      return !isOvertaken
    })
    return missing === undefined ? [] : [`"${manifest.id}" came before "${missing[0]}"`]
  })
}

/**
 * The journal of a staging folder ⇄ bytes: what was staged here relied on this.
 *
 *     {"format":1,"pipeline":"growth","commitId":"9f3a…-41",
 *      "ranges":[{"lane":"lake","source":{…},"expected":"40","first":"40","next":"90",…}]}
 *
 * Invariant: it is written before anything else in its folder and removed after everything else.
 * Source: docs/protocol.md, "Cleaning up".
 */
import { type ZodType, z } from 'zod'
import { Fault } from '../../base/fault.ts'
import type { StagingJournal } from '../../model/staging-journal.ts'
import { encodeJson, parseJson, parseShape } from './json.ts'
import { commitIdShape, rangeShape } from './shapes.ts'

const journalShape: ZodType<StagingJournal & { readonly format: 1 }> = z.strictObject({
  format: z.literal(1),
  pipeline: z.string(),
  commitId: commitIdShape,
  ranges: z.array(rangeShape),
})

export const encodeJournal = ({ pipeline, commitId, ranges }: StagingJournal): Uint8Array =>
  Buffer.from(encodeJson({ format: 1, pipeline, commitId, ranges }))

/**
 * @param path of the object, for the message of the fault.
 * @throws {Fault} `LOG_JOURNAL_UNREADABLE`.
 */
export function parseJournal(bytes: Uint8Array, path: string): StagingJournal {
  const json = parseJson(bytes)
  const outcome = json.kind === 'refused' ? json : parseShape(journalShape, json.value)
  if (outcome.kind === 'refused') {
    throw new Fault('LOG_JOURNAL_UNREADABLE', { path, reason: outcome.reason })
  }
  const { format: _, ...journal } = outcome.value
  return journal
}

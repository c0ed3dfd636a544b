/** How much of a process's time went into deciding, by the CPU profile that V8 wrote. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly url: string; readonly functionName: string }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

const deciders = ['/readiness/announcer.', '/protocol/readiness']
const idle = new Set(['(idle)', '(program)'])

/**
 * Deciding as a share of all that the thread did. By samples of the time that passed, in which a
 * busy machine lets others run: their ratio says more than each of them.
 *
 * @param folder where the profiles of one process lie; its workers' have none of it.
 * @param lastSeconds what is looked at, up to the end: a start has other things to do.
 */
export function decidingShare(folder: string, lastSeconds: number): number {
  const shares = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => shareIn(JSON.parse(readFileSync(join(folder, name), 'utf8')), lastSeconds))
  const [first] = shares.sort((a, b) => b - a)
  if (first === undefined) throw new Error(`no profile in "${folder}"`)
  return first
}

function shareIn({ nodes, samples, timeDeltas }: Profile, lastSeconds: number): number {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const deciding = new Set<number>()
  const mark = (id: number, isWithin: boolean): void => {
    const node = byId.get(id)
    if (node === undefined) return
    const within = isWithin || deciders.some((part) => node.callFrame.url.includes(part))
    if (within) deciding.add(id)
    for (const child of node.children ?? []) mark(child, within)
  }
  const [root] = nodes
  if (root !== undefined) mark(root.id, false)
  let [seen, decided, busy] = [0, 0, 0]
  for (let at = samples.length - 1; at >= 0 && seen < lastSeconds * 1e6; at--) {
    const id = samples[at] ?? -1
    const span = timeDeltas[at] ?? 0
    seen += span
    if (deciding.has(id)) decided += span
    if (!idle.has(byId.get(id)?.callFrame.functionName ?? '')) busy += span
  }
  return decided / busy
}

/**
 * A real broker to a lake on a server against the same to a folder, turn by turn.
 *
 * CPU time is the slope between two sizes: small topics and large ones are read to their ends, and
 * what the difference of the rows cost is the figure. Start-up and warm-up fall out, and no row is
 * in flight when the time is taken: between two commits of one run it would be, and a file is a
 * good part of a run.
 */
import { present } from '../../src/base/assert.ts'
import { BenchLake } from '../ingest/ours.ts'
import type { RealTopic } from '../ingest/real-topics.ts'
import { loadText, placementOn } from '../measure/machine.ts'
import { type CommitSeen, followCommits } from './lake-run.ts'

export interface Comparison {
  readonly brokerPort: number
  readonly small: readonly RealTopic[]
  readonly large: readonly RealTopic[]
  /** `memory.buffers`. */
  readonly buffers: string
  /** "S3", as people are told. */
  readonly name: string
  /** The section `lake` of a run, as YAML on one line. @param run a name that no other run has. */
  readonly sectionOf: (run: string) => string
  /** Takes away what a run has left, so that the server's disk does not fill up. */
  readonly forget: (run: string) => Promise<void> | void
  readonly countRequests: () => Promise<number>
}

/** A small run and a large one, to lakes of one kind. */
interface Sized {
  /** CPU seconds per million rows, by the slope. */
  readonly perMillion: number
  readonly large: readonly CommitSeen[]
}

export interface Pair {
  readonly server: Sized
  readonly folder: Sized
}

type Where = 'server' | 'folder'

/** @returns the pairs, the order within them turned each time. */
export async function comparePairs(place: Comparison, pairCount: number): Promise<readonly Pair[]> {
  const pairs: Pair[] = []
  // What the first run finds cold the others find warm.
  await runOn(place, place.small, 'folder')
  while (pairs.length < pairCount) {
    const isTurned = pairs.length % 2 === 1
    const first = await sizedOn(place, isTurned ? 'folder' : 'server')
    const second = await sizedOn(place, isTurned ? 'server' : 'folder')
    const pair = isTurned ? { server: second, folder: first } : { server: first, folder: second }
    pairs.push(pair)
    console.log(
      `pair ${pairs.length}: CPU-s per million on ${place.name} ` +
        `${pair.server.perMillion.toFixed(3)}, on a folder ${pair.folder.perMillion.toFixed(3)}; ` +
        `${pair.server.large.length} and ${pair.folder.large.length} commits, load ${loadText()}`,
    )
  }
  return pairs
}

async function sizedOn(place: Comparison, where: Where): Promise<Sized> {
  const small = endOf(await runOn(place, place.small, where))
  const large = await runOn(place, place.large, where)
  const { rows, cpuSeconds } = endOf(large)
  const perMillion = ((cpuSeconds - small.cpuSeconds) / (rows - small.rows)) * 1e6
  return { perMillion, large }
}

const endOf = (seen: readonly CommitSeen[]): CommitSeen => present(seen.at(-1), 'a run commits')

let runs = 0

async function runOn(
  { brokerPort, buffers, sectionOf, forget, countRequests }: Comparison,
  topics: readonly RealTopic[],
  where: Where,
): Promise<readonly CommitSeen[]> {
  const run = `bench-${process.pid}-${++runs}`
  const lake = new BenchLake({
    brokerPort,
    topic: `[${topics.map(({ name }) => name).join(', ')}]`,
    settings: `commit: { interval: 60s }\nmemory: { buffers: ${buffers} }\n`,
    ...(where === 'server' ? { lake: sectionOf(run) } : {}),
  })
  try {
    const placement = placementOn(1)
    return await followCommits({ command: lake.command, placement, topics, countRequests })
  } finally {
    lake.remove()
    if (where === 'server') await forget(run)
  }
}

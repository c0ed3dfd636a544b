/**
 * Requests to the namenode, counted by a proxy, of a daemon that commits three hundred streams,
 * each in two hours, several times.
 *
 * Memory is little, so that the same files are committed more than once: a folder is made in the
 * first commit alone, and a file grows from the second on.
 */
import { withProxy } from '../lakes/proxied.ts'
import { startTopicBroker } from '../streams/topic-broker.ts'
import type { Cluster } from './cluster.ts'
import { inOneCommit, type Place, readAll, runOf } from './streams-run.ts'

/** Enough for two commits or more. */
const littleOf = (rows: number): string =>
  inOneCommit.replace('2GiB', rows > 300_000 ? '256MiB' : '96MiB')

export interface Requests {
  readonly mode: 'new' | 'continue'
  readonly commits: number
  readonly files: number
  /** To the namenode, of the whole run, but for those that are apart. */
  readonly counted: number
  /** MKDIRS, trials whether files can grow in a folder, and the listings of a start. */
  readonly apart: number
  readonly byKind: Readonly<Record<string, number>>
}

export async function measureRequests(
  cluster: Cluster,
  { streams, rows }: { readonly streams: number; readonly rows: number },
): Promise<readonly Requests[]> {
  const broker = await startTopicBroker({ streamCount: streams, rows })
  try {
    const place = { cluster, brokerPort: broker.port, streams, rows }
    return [await requestsOf(place, 'new'), await requestsOf(place, 'continue')]
  } finally {
    await broker.stop()
  }
}

async function requestsOf(place: Place, mode: 'new' | 'continue'): Promise<Requests> {
  return withProxy(`http://${place.cluster.address}`, async (proxy) => {
    const namenode = new URL(proxy.endpoint).host
    const run = runOf(place, { mode, namenode, settings: littleOf(place.rows) })
    try {
      const commits = await readAll(run.start(), place.rows)
      const { byKind } = await proxy.counts()
      const sumOf = (is: (kind: string) => boolean): number =>
        Object.entries(byKind).reduce((sum, [kind, count]) => sum + (is(kind) ? count : 0), 0)
      const apart = sumOf(isApart)
      const files = commits.reduce((sum, commit) => sum + commit.files, 0)
      const counted = sumOf(() => true) - apart
      return { mode, commits: commits.length, files, counted, apart, byKind }
    } finally {
      await run.remove()
    }
  })
}

/** Each commit lists the checkpoints. */
const isApart = (kind: string): boolean =>
  kind.startsWith('MKDIRS') ||
  kind.endsWith(' trial') ||
  (kind.startsWith('LISTSTATUS') && !kind.endsWith(' checkpoints'))

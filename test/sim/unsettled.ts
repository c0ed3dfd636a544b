import type { DataFile } from '../../src/model/data-file.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import type { LakePartition } from '../../src/model/lake-partition.ts'
import { entryPath } from '../../src/protocol/log-paths.ts'
import { manifestPathOf } from '../../src/protocol/readiness-manifest.ts'
import { topic } from './daemon-events.ts'
import { pipeline, readyDelayMs, readyIdleMs } from './daemon-process.ts'
import type { SimKafka } from './source.ts'

/** A partition with rows must be announced by now, however quiet its topics are. */
const isDue = ({ nextMs }: LakePartition, lakeNowMs: number): boolean =>
  nextMs + readyDelayMs + readyIdleMs <= lakeNowMs

interface LeftWorld {
  readonly kafka: SimKafka
  readonly store: ReadonlyMap<string, { readonly body: Uint8Array }>
}

interface LeftMoment {
  readonly lakeNowMs: number
  /** Target that takes no announcements now. */
  readonly silent: string | undefined
}

/** One that grows may be longer by now. */
const stands = ({ store }: Pick<LeftWorld, 'store'>, { path, sizeBytes }: DataFile): boolean =>
  (store.get(path)?.body.byteLength ?? -1) >= sizeBytes

/** What a world that is left alone must still come to; empty when it has. */
export function leftToDo(
  { kafka, store }: LeftWorld,
  { lakeNowMs, silent }: LeftMoment,
  state: FoldState | undefined,
): string {
  if (state === undefined) return 'no daemon runs'
  const left: string[] = []
  const following = entryPath(pipeline, state.next)
  if (store.has(following)) left.push(`nobody has read "${following}"`)
  const positions = [...(state.positions.get('lake')?.values() ?? [])]
  const { topicId, logs = [] } = kafka.topic(topic) ?? {}
  for (const [partition, { end }] of logs.entries()) {
    const next = positions.find(
      ({ source }) => source.topicId === topicId && source.partition === partition,
    )?.next
    if ((next as bigint | undefined) !== end) left.push(`${partition}: ${next} of ${end}`)
  }
  for (const [name, stream] of state.streams) {
    if (name.startsWith('_')) continue
    for (const { partition, place, files, manifest } of stream.partitions.values()) {
      const shown = manifest && manifestPathOf({ ...manifest, stream: name })
      if (shown !== undefined && !store.has(shown)) left.push(`"${shown}" is not written`)
      // Late rows wait for the next revision.
      const isChanged = manifest !== undefined && manifest.files.length !== files.length
      if (isChanged) left.push(`${name} ${partition.path} has changed`)
      const isOpen = place === 'open' && files.length > 0
      if (isOpen && isDue(partition, lakeNowMs)) left.push(`${name} ${partition.path} is open`)
    }
  }
  for (const { commitId, files, removals = [] } of state.unpublished.values()) {
    if (files.some((file) => !stands({ store }, file))) left.push(`${commitId} is unpublished`)
    if (removals.some(({ path }) => store.has(path))) left.push(`${commitId} has removals left`)
  }
  const undelivered = state.undelivered.filter(({ targets }) => targets.some((at) => at !== silent))
  if (undelivered.length > 0) left.push(`${undelivered.length} undelivered`)
  return left.join(', ')
}

import type { FoldState } from '../../src/model/fold-state.ts'
import { topic } from './daemon-events.ts'
import type { Plan } from './plan.ts'
import type { SimKafka } from './source.ts'

/** What a world that is left alone must still come to; empty when it has. */
export function leftToDo(
  { kafka, plan }: { readonly kafka: SimKafka; readonly plan: Plan },
  state: FoldState | undefined,
): string {
  if (state === undefined) return 'no daemon runs'
  const left: string[] = []
  const positions = [...(state.positions.get('lake')?.values() ?? [])]
  for (let partition = 0; partition < plan.partitionCount; partition++) {
    const end = kafka.log({ topic, partition })?.end
    const next = positions.find(({ source }) => source.partition === partition)?.next
    if ((next as bigint | undefined) !== end) left.push(`${partition}: ${next} of ${end}`)
  }
  for (const [name, stream] of state.streams) {
    if (name.startsWith('_')) continue
    for (const { partition, place, files } of stream.partitions.values()) {
      if (place === 'open' && files.length > 0) left.push(`${name} ${partition.path} is open`)
    }
  }
  if (state.unpublished.size > 1) left.push(`${state.unpublished.size} commits unpublished`)
  if (state.undelivered.length > 0) left.push(`${state.undelivered.length} undelivered`)
  return left.join(', ')
}

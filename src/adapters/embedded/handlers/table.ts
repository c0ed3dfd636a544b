/** Every API with its handler. */
import { clusterHandlers } from './cluster.ts'
import { consumerGroupHandlers } from './consumer-groups.ts'
import type { BrokerContext, Handlers } from './context.ts'
import { fetchHandler } from './fetch.ts'
import { groupHandlers, groupListHandlers } from './groups.ts'
import { listOffsetsHandler, offsetForLeaderEpochHandler } from './list-offsets.ts'
import { offsetHandlers } from './offsets.ts'
import { produceHandler } from './produce.ts'
import { topicHandlers } from './topics.ts'
import { transactionHandlers } from './transactions.ts'

export function handlersOf(context: BrokerContext): Handlers {
  return {
    produce: produceHandler(context),
    fetch: fetchHandler(context),
    listOffsets: listOffsetsHandler(context),
    offsetForLeaderEpoch: offsetForLeaderEpochHandler(context),
    ...clusterHandlers(context),
    ...topicHandlers(context),
    ...groupHandlers(context),
    ...groupListHandlers(context),
    ...consumerGroupHandlers(context),
    ...offsetHandlers(context),
    ...transactionHandlers(context),
  }
}

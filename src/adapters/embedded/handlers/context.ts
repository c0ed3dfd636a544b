/** What every handler of a request sees. */
import type { ApiName, ApiRequest, ApiResponse } from '../apis/table.ts'
import type { GroupDirectory } from '../groups/group-directory.ts'
import type { OffsetStore } from '../groups/offset-store.ts'
import type { BrokerSettings } from '../settings.ts'
import type { BrokerFolder } from '../store/broker-folder.ts'
import type { TopicStore } from '../store/topic-store.ts'
import type { TransactionCoordinator } from '../transactions/coordinator.ts'
import type { Wakers } from '../wakers.ts'

export interface BrokerContext {
  readonly settings: BrokerSettings
  /** Where clients reach the broker. */
  readonly address: { readonly host: string; readonly port: number }
  readonly folder: BrokerFolder
  readonly topics: TopicStore
  readonly wakers: Wakers
  readonly groups: GroupDirectory
  readonly offsets: OffsetStore
  readonly transactions: TransactionCoordinator
}

/** One request's surroundings. */
export interface Call {
  readonly version: number
  readonly clientId: string
  /** Aborted when the connection is gone: nobody waits for the answer. */
  readonly closed: AbortSignal
}

/**
 * Answers one API. `undefined` sends nothing (a produce that asked for no answer); a handler that
 * must close the connection instead throws `BROKER_REQUEST_MALFORMED`.
 */
export type Handler<Name extends ApiName> = (
  request: ApiRequest<Name>,
  call: Call,
) => ApiResponse<Name> | undefined | Promise<ApiResponse<Name> | undefined>

export type Handlers = { readonly [Name in ApiName]: Handler<Name> }

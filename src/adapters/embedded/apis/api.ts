/** One row of the table of APIs: its number, its versions and the shape of both messages. */
import type { ValueOf, WireType } from '../wire/types.ts'

export interface Api<Request, Response> {
  /** Kafka's number of the API. */
  readonly key: number
  /** Versions served, both ends inclusive. */
  readonly oldest: number
  readonly newest: number
  /** What ApiVersions lists as the oldest where that differs: real brokers do so for Produce. */
  readonly listedOldest?: number
  /** From this version on lengths are compact and structs carry tagged fields (KIP-482). */
  readonly flexibleFrom: number
  readonly request: WireType<Request>
  readonly response: WireType<Response>
}

export type RequestOf<A> = A extends { request: infer Type } ? ValueOf<Type> : never
export type ResponseOf<A> = A extends { response: infer Type } ? ValueOf<Type> : never

export function api<Request, Response>(row: Api<Request, Response>): Api<Request, Response> {
  return row
}

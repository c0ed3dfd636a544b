import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'

/** The envelope as protobufjs reads `proto/raw_event.proto`: a judge that is not ours. */
const text = readFileSync(new URL('../../proto/raw_event.proto', import.meta.url), 'utf8')
const { root } = protobuf.parse(text, new protobuf.Root(), { keepCase: true })
root.resolveAll()

export interface RawEventFields {
  readonly stream?: string
  readonly event_time_ms?: number
  readonly event_id?: Uint8Array
  readonly compression?: number
  readonly payload?: Uint8Array
  readonly schema_version?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly batched?: boolean
  readonly event_count?: number
}

export interface PbEventFields {
  readonly event_time_ms?: number
  readonly event_id?: Uint8Array
  readonly payload?: Uint8Array
  readonly schema_version?: number
}

const encoded = (message: string, fields: object): Uint8Array =>
  new Uint8Array(root.lookupType(`lakeward.v1.${message}`).encode(fields).finish())

export const encodeRawEvent = (fields: RawEventFields): Uint8Array => encoded('RawEvent', fields)

export const encodeBatch = (events: readonly PbEventFields[]): Uint8Array =>
  encoded('PbEventBatch', { events })

/** Wire bytes by hand, for what no encoder would write. */
export function varintBytes(value: bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

export const varintField = (field: number, value: bigint): Uint8Array =>
  Uint8Array.from([...varintBytes(BigInt(field * 8)), ...varintBytes(value)])

export const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  Uint8Array.from([
    ...varintBytes(BigInt(field * 8 + 2)),
    ...varintBytes(BigInt(bytes.length)),
    ...bytes,
  ])

export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value)

export const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts))

/**
 * The head of a request, and a response's bytes.
 *
 *     request   apiKey i16 · apiVersion i16 · correlationId i32 · clientId string · [tags] · body
 *     response  length i32 · correlationId i32 · [tags] · body
 *
 * The header of an ApiVersions response never has tags: its reader cannot know yet what the broker
 * speaks. Source: KIP-482, KIP-511.
 */
import { Fault } from '../../../base/fault.ts'
import { type ApiName, type ApiRequest, type ApiResponse, apis } from '../apis/table.ts'
import { errorCode } from '../error-code.ts'
import { servedVersions } from '../handlers/cluster.ts'
import { type Layout, WireReader } from '../wire/reader.ts'
import { nullableText, type WireType } from '../wire/types.ts'
import { WireWriter } from '../wire/writer.ts'

export interface RequestHead {
  readonly name: ApiName
  readonly layout: Layout
  readonly correlationId: number
  readonly clientId: string
  /** Stands at the body. */
  readonly reader: WireReader
}

export type ReadHead =
  | { readonly kind: 'request'; readonly head: RequestHead }
  /** ApiVersions in a version unknown here: answered in version 0, which every client knows. */
  | { readonly kind: 'version-unknown'; readonly correlationId: number }

const rigid: Layout = { version: 0, flexible: false }

const nameOfKey = new Map<number, ApiName>(
  (Object.keys(apis) as ApiName[]).map((name) => [apis[name].key, name]),
)

/** @throws {Fault} BROKER_REQUEST_MALFORMED: an API or version that is not served. */
export function readRequestHead(frame: Buffer): ReadHead {
  const reader = new WireReader(frame)
  const key = reader.int16()
  const version = reader.int16()
  const correlationId = reader.int32()
  const name = nameOfKey.get(key)
  const served = name !== undefined && version >= apis[name].oldest && version <= apis[name].newest
  if (name === 'apiVersions' && !served) return { kind: 'version-unknown', correlationId }
  if (name === undefined || !served) {
    const reason = `API ${key} version ${version} is not served`
    throw new Fault('BROKER_REQUEST_MALFORMED', { reason })
  }
  const clientId = nullableText.read(reader, rigid) ?? ''
  const layout = { version, flexible: version >= apis[name].flexibleFrom }
  if (layout.flexible) skipTags(reader)
  return { kind: 'request', head: { name, layout, correlationId, clientId, reader } }
}

export function readBody<Name extends ApiName>(name: Name, head: RequestHead): ApiRequest<Name> {
  const type: WireType<ApiRequest<Name>> = requestType(name)
  return type.read(head.reader, head.layout)
}

/** The chunks of a whole response, its length first. */
export function encodeResponse<Name extends ApiName>(
  name: Name,
  head: Pick<RequestHead, 'layout' | 'correlationId'>,
  response: ApiResponse<Name>,
): readonly Buffer[] {
  const body = new WireWriter()
  body.int32(head.correlationId)
  if (head.layout.flexible && name !== 'apiVersions') body.unsignedVarint(0)
  const type: WireType<ApiResponse<Name>> = responseType(name)
  type.write(body, response, head.layout)
  const length = Buffer.allocUnsafe(4)
  length.writeInt32BE(body.sizeBytes)
  return [length, ...body.chunks()]
}

/** Error 35 in the layout of version 0, with the table of what is served. */
export function encodeVersionUnknown(correlationId: number): readonly Buffer[] {
  const response = { errorCode: errorCode.unsupportedVersion, apis: servedVersions() }
  return encodeResponse('apiVersions', { layout: rigid, correlationId }, response)
}

function skipTags(reader: WireReader): void {
  for (let count = reader.unsignedVarint(); count > 0; count--) {
    reader.unsignedVarint()
    reader.skip(reader.unsignedVarint())
  }
}

// The table maps each name to its own types, which TypeScript cannot follow for a type parameter.
function requestType<Name extends ApiName>(name: Name): WireType<ApiRequest<Name>> {
  return apis[name].request as unknown as WireType<ApiRequest<Name>>
}

function responseType<Name extends ApiName>(name: Name): WireType<ApiResponse<Name>> {
  return apis[name].response as unknown as WireType<ApiResponse<Name>>
}

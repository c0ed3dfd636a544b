/** Values in Confluent's wire format, and a registry that tests fill and break. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { varintBytes } from './raw-events.ts'

const zigzag = (value: number): Uint8Array => Uint8Array.from(varintBytes(BigInt(value) * 2n))

/** @param path empty: the single zero byte that stands for the first message. */
export function framed(id: number, path: readonly number[], payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  const indexes = path.length === 0 ? [new Uint8Array(1)] : [path.length, ...path].map(zigzag)
  return Buffer.concat([head, ...indexes, payload])
}

interface RegistryAnswer {
  readonly status: number
  readonly body: string
}

const asProtobuf = (schema: string): RegistryAnswer => {
  return { status: 200, body: JSON.stringify({ schemaType: 'PROTOBUF', schema }) }
}
const notFound = {
  status: 404,
  body: '{"error_code":40403,"message":"Schema 9 not found"}',
} as const

/** Speaks as much of the registry's API as is asked. */
export class FakeRegistry {
  /** Texts of protobuf files by number, or whole answers. */
  readonly schemas = new Map<number, string | RegistryAnswer>()
  /** Given to every question while it stands. */
  trouble: RegistryAnswer | undefined
  readonly asked: string[] = []
  authorization: string | undefined
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '')
      this.authorization = request.headers.authorization
      const { status, body } = this.#answer(request.url ?? '')
      response.writeHead(status).end(body)
    })
  }

  static async open(): Promise<FakeRegistry> {
    const registry = new FakeRegistry()
    await new Promise<void>((go) => registry.#server.listen(0, '127.0.0.1', go))
    return registry
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((go) => this.#server.close(() => go()))
  }

  #answer(url: string): RegistryAnswer {
    if (this.trouble !== undefined) return this.trouble
    const found = this.schemas.get(Number(/^\/schemas\/ids\/(\d+)$/.exec(url)?.[1]))
    if (found === undefined) return notFound
    return typeof found === 'string' ? asProtobuf(found) : found
  }
}

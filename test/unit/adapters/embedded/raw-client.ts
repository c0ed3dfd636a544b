/** A client of the embedded broker without any cleverness: one connection, requests as given. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  type ApiName,
  type ApiRequest,
  type ApiResponse,
  apis,
} from '../../../../src/adapters/embedded/apis/table.ts'
import { FrameSplitter } from '../../../../src/adapters/embedded/server/frames.ts'
import { type Layout, WireReader } from '../../../../src/adapters/embedded/wire/reader.ts'
import { text } from '../../../../src/adapters/embedded/wire/types.ts'
import { WireWriter } from '../../../../src/adapters/embedded/wire/writer.ts'

interface Expected {
  readonly resolve: (frame: Buffer) => void
  readonly reject: (error: Error) => void
}

export class RawClient implements AsyncDisposable {
  readonly #socket: Socket
  readonly #splitter = new FrameSplitter(1 << 30)
  readonly #expected: Expected[] = []
  /** Resolves when the connection is gone, whoever closed it. */
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()))
    // A reset connection closes like any other.
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      for (const frame of this.#splitter.push(bytes)) this.#expected.shift()?.resolve(frame)
    })
    socket.on('close', () => {
      for (const { reject } of this.#expected.splice(0)) reject(new Error('connection closed'))
    })
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** Sends a frame's content as it is. @returns the answer's frame. */
  async send(content: Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    this.#expected.push({ resolve, reject })
    this.sendBytes(framed(content))
    return promise
  }

  /** Sends without waiting for anything. */
  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  async call<Name extends ApiName>(
    name: Name,
    version: number,
    request: ApiRequest<Name>,
  ): Promise<ApiResponse<Name>> {
    const frame = await this.send(encodeRequest(name, version, request))
    return decodeResponse(name, version, frame)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    await this.closed
  }
}

export function framed(content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(content.length)
  return Buffer.concat([length, content])
}

const layoutOf = (name: ApiName, version: number): Layout => ({
  version,
  flexible: version >= apis[name].flexibleFrom,
})

export function encodeRequest<Name extends ApiName>(
  name: Name,
  version: number,
  request: ApiRequest<Name>,
  correlationId = 7,
): Buffer {
  const writer = new WireWriter()
  writer.int16(apis[name].key)
  writer.int16(version)
  writer.int32(correlationId)
  text.write(writer, 'raw', { version: 0, flexible: false })
  const layout = layoutOf(name, version)
  if (layout.flexible) writer.unsignedVarint(0)
  apis[name].request.write(writer, request as never, layout)
  return writer.toBuffer()
}

export function decodeResponse<Name extends ApiName>(
  name: Name,
  version: number,
  frame: Buffer,
): ApiResponse<Name> {
  const layout = layoutOf(name, version)
  const reader = new WireReader(frame, 4)
  if (layout.flexible && name !== 'apiVersions') reader.unsignedVarint()
  const response = apis[name].response.read(reader, layout)
  if (reader.remainingBytes !== 0) throw new Error(`${reader.remainingBytes} bytes left over`)
  return response as ApiResponse<Name>
}

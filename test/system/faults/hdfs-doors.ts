/**
 * Doors before the namenode and the datanode of a real HDFS, at which single calls are hurt.
 *
 *     await using doors = await HdfsDoors.open({ namenode: 'http://127.0.0.1:24001' })
 *     doors.judge = ({ op }) => (op === 'RENAME' ? 'lose-answer' : 'pass')
 *
 * - What a namenode tells of a datanode's place is told anew: clients come through our door.
 * - Bytes to the datanode go through a `FaultProxy`, which makes them late.
 * - A call is judged before it has any effect; what is not hurt passes as it is.
 */
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { FaultProxy } from '../services/fault-proxy.ts'

export type Door = 'namenode' | 'other-namenode' | 'datanode'

/** A call as it comes. */
export interface Asked {
  readonly door: Door
  /** "CREATE". */
  readonly op: string
  /** "/lakeward/test-1/numbers/…". */
  readonly path: string
  readonly query: URLSearchParams
}

/** An answer of WebHDFS that somebody else than HDFS gives. */
export interface Refusal {
  readonly status: number
  readonly exception: string
  readonly message: string
}

/**
 * `lose-answer`: it is carried out, and the connection ends. `cut-half`: half of the body arrives.
 * `hang`: it arrives nowhere, and nobody answers.
 */
export type Harm = 'pass' | 'lose-answer' | 'cut-half' | 'hang' | Refusal

export type Judge = (asked: Asked) => Harm | Promise<Harm>

const prefix = '/webhdfs/v1'

export class HdfsDoors implements AsyncDisposable {
  readonly #namenode: URL
  readonly #servers = new Map<Door, Server>()
  #datanode: FaultProxy | undefined
  judge: Judge = () => 'pass'

  private constructor(namenode: URL) {
    this.#namenode = namenode
  }

  /** @param namenode "http://127.0.0.1:24001". */
  static async open({ namenode }: { readonly namenode: string }): Promise<HdfsDoors> {
    const doors = new HdfsDoors(new URL(namenode))
    for (const door of ['namenode', 'other-namenode', 'datanode'] as const) {
      const server = createServer((asked, answer) => {
        doors.#serve(door, asked, answer).catch(() => answer.destroy())
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      doors.#servers.set(door, server)
    }
    return doors
  }

  /** "127.0.0.1:41234": what a client takes for it. */
  address(door: Door): string {
    const place = this.#servers.get(door)?.address() as AddressInfo | undefined
    return `127.0.0.1:${place?.port}`
  }

  /** @param latencyMs for each byte to the datanode; 0: as quick as it is. */
  slowDatanode(latencyMs: number): void {
    this.#datanode?.slow('up', { latencyMs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) {
      server.closeAllConnections()
      server.close()
    }
    await this.#datanode?.close()
  }

  async #serve(door: Door, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(asked.url ?? '', 'http://door')
    const query = url.searchParams
    const path = decodeURIComponent(url.pathname.slice(prefix.length))
    const body = await buffer(asked)
    const harm = await this.judge({ door, op: query.get('op') ?? '', path, query })
    if (harm === 'hang') return
    if (typeof harm === 'object') {
      const { status, exception, message } = harm
      answer.writeHead(status, { 'content-type': 'application/json' })
      answer.end(JSON.stringify({ RemoteException: { exception, message } }))
      return
    }
    const told = await this.#forward(door, asked, { body, isCut: harm === 'cut-half' })
    if (told === undefined || harm === 'lose-answer') {
      answer.destroy()
      return
    }
    const text = await this.#throughOurDoor(told.body)
    const headers = withoutLengths(told.headers)
    answer.writeHead(told.status, headers)
    answer.end(text)
  }

  /** @returns undefined where it was cut. */
  async #forward(
    door: Door,
    { method, url, headers }: IncomingMessage,
    { body, isCut }: { body: Buffer; isCut: boolean },
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer } | undefined> {
    const port = door === 'datanode' ? this.#datanode?.port : this.#namenode.port
    const place = { host: '127.0.0.1', port, path: url, method, agent: false }
    const sent = request({ ...place, headers: { ...headers, 'content-length': body.byteLength } })
    if (isCut) {
      sent.on('error', () => {})
      await new Promise((go) => sent.write(body.subarray(0, body.byteLength >> 1), go))
      sent.destroy()
      return undefined
    }
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>
    sent.end(body)
    const [told] = await answered
    return { status: told.statusCode ?? 0, headers: told.headers, body: await buffer(told) }
  }

  /** A namenode's word where the datanode is. */
  async #throughOurDoor(body: Buffer): Promise<Buffer> {
    const text = body.toString('utf8', 0, 12)
    if (!text.startsWith('{"Location"')) return body
    const location = new URL((JSON.parse(body.toString()) as { Location: string }).Location)
    this.#datanode ??= await FaultProxy.open({ port: Number(location.port) })
    location.port = this.address('datanode').split(':')[1] ?? ''
    return Buffer.from(JSON.stringify({ Location: location.href }))
  }
}

const withoutLengths = (headers: IncomingHttpHeaders): IncomingHttpHeaders => {
  const { 'content-length': _length, 'transfer-encoding': _coding, ...others } = headers
  return others
}

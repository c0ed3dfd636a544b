/**
 * A TCP proxy that hurts what goes through it: late, slow, cut in mid-message, half-open, changed.
 *
 *     await using proxy = await FaultProxy.open({ port: broker.port })
 *     connectTo(proxy.address)                       // as if it were the server
 *     proxy.slow('down', { latencyMs: 200 })         // answers are late
 *     await proxy.cutAfter('down', 10_000)           // RST in the middle of an answer
 *     proxy.freeze()                                 // connections stay open, nothing passes
 *
 * Invariants:
 * - Bytes keep their order, and none is lost or doubled but by a cut.
 * - What is set counts for connections that are open and for those that come, until it is changed.
 * - Memory is bounded: a sender whose bytes are held is not read from.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Pipe } from './fault-pipe.ts'

/** To the server, or down to the client. */
export type Direction = 'up' | 'down'

export interface Slowness {
  /** Each byte is handed on that much after it came. */
  readonly latencyMs?: number
  readonly bytesPerSecond?: number
}

/** What a lying proxy makes of bytes that came together. */
export type Rewrite = (bytes: Buffer) => Buffer

/** What is done to one direction of every connection. */
export interface Harm {
  latencyMs: number
  bytesPerSecond: number
  passedBytes: number
  /** Bytes that may still pass before the connection they pass on is reset. */
  leftBytes: number
  onCut: () => void
  rewrite: Rewrite
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  readonly pipes: readonly Pipe[]
}

const same: Rewrite = (bytes) => bytes
const noHarm = (): Harm => ({
  latencyMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  passedBytes: 0,
  leftBytes: Number.POSITIVE_INFINITY,
  onCut: () => undefined,
  rewrite: same,
})

export class FaultProxy implements AsyncDisposable {
  readonly port: number
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #harm: Record<Direction, Harm> = { up: noHarm(), down: noHarm() }
  readonly #links = new Set<Link>()
  #frozen = false
  #refusing = false
  #connectionCount = 0

  private constructor(server: Server, target: { host: string; port: number }) {
    this.#server = server
    this.#target = target
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client) => this.#onConnection(client))
  }

  /** @param listenPort where clients find it; 0, when absent, is a free one. */
  static async open(
    target: { readonly host?: string; readonly port: number },
    listenPort = 0,
  ): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(listenPort, '127.0.0.1')
    await once(server, 'listening')
    return new FaultProxy(server, { host: '127.0.0.1', ...target })
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** How many connections ever came, also those that were refused. */
  get connectionCount(): number {
    return this.#connectionCount
  }

  get openCount(): number {
    return this.#links.size
  }

  /** Of all connections, ever. */
  passedBytes(direction: Direction): number {
    return this.#harm[direction].passedBytes
  }

  /** Replaces what was set before; `slow('down', {})` makes it quick again. */
  slow(direction: Direction, slowness: Slowness): void {
    const { latencyMs, bytesPerSecond } = { ...noHarm(), ...slowness }
    Object.assign(this.#harm[direction], { latencyMs, bytesPerSecond })
  }

  /**
   * Lets that many bytes pass, of all connections together, and resets the one on which the next
   * byte would have come. Once. @returns when that has happened.
   */
  cutAfter(direction: Direction, sizeBytes: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    Object.assign(this.#harm[direction], { leftBytes: sizeBytes, onCut: resolve })
    return promise
  }

  /** Resets every connection that is open. */
  cutAll(): void {
    for (const link of this.#links) reset(link)
  }

  /** Half-open: connections stay, new ones are taken, and nothing passes in either direction. */
  freeze(): void {
    this.#frozen = true
    for (const pipe of this.#pipes()) pipe.hold()
  }

  /** What was held goes on its way. */
  thaw(): void {
    this.#frozen = false
    for (const pipe of this.#pipes()) pipe.release()
  }

  /** New connections are reset at once, as by a server that does not listen; open ones stay. */
  refuse(): void {
    this.#refusing = true
  }

  admit(): void {
    this.#refusing = false
  }

  /** @param rewrite undefined: the truth again. */
  rewrite(direction: Direction, rewrite: Rewrite | undefined): void {
    this.#harm[direction].rewrite = rewrite ?? same
  }

  async close(): Promise<void> {
    this.#server.close()
    this.cutAll()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  *#pipes(): Iterable<Pipe> {
    for (const link of this.#links) yield* link.pipes
  }

  #onConnection(client: Socket): void {
    this.#connectionCount++
    client.on('error', () => undefined)
    if (this.#refusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const cut = (): void => reset(link)
    const pipes = [
      new Pipe({ from: client, to: server, harm: this.#harm.up, cut }),
      new Pipe({ from: server, to: client, harm: this.#harm.down, cut }),
    ]
    const link: Link = { client, server, pipes }
    this.#links.add(link)
    if (this.#frozen) for (const pipe of pipes) pipe.hold()
    for (const socket of [client, server]) {
      socket.on('error', cut)
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) this.#links.delete(link)
      })
    }
  }
}

/** Both ends learn that the connection is gone, and get nothing more. */
function reset({ client, server, pipes }: Link): void {
  for (const pipe of pipes) pipe.stop()
  client.resetAndDestroy()
  server.resetAndDestroy()
}

/**
 * One connection: requests are answered one after another, in order, as real brokers do.
 *
 * Invariants: a request is begun when the one before it is answered (a long poll holds up what is
 * pipelined behind it); what cannot be answered closes the connection without a word.
 */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { InvariantError } from '../../../base/assert.ts'
import { Fault } from '../../../base/fault.ts'
import type { ApiName, ApiResponse } from '../apis/table.ts'
import { ioBuffers } from '../buffer-pool.ts'
import { errorCode } from '../error-code.ts'
import type { BrokerFaults } from '../fault-injection.ts'
import type { Call, Handler, Handlers } from '../handlers/context.ts'
import { refusals } from '../handlers/refusals.ts'
import { FrameSplitter } from './frames.ts'
import {
  encodeResponse,
  encodeVersionUnknown,
  type RequestHead,
  readBody,
  readRequestHead,
} from './request.ts'

export interface ConnectionSurroundings {
  readonly handlers: Handlers
  readonly faults: BrokerFaults
  readonly requestBytesMax: number
  /** Told why a connection was closed by the broker. */
  readonly onTrouble: (trouble: Error) => void
}

/** Requests that may wait behind the one being answered before reading pauses. */
const waitingMax = 64

export class Connection {
  readonly #socket: Socket
  readonly #around: ConnectionSurroundings
  readonly #splitter: FrameSplitter
  readonly #closed = new AbortController()
  #waiting: Buffer[] = []
  #busy = false

  constructor(socket: Socket, around: ConnectionSurroundings) {
    this.#socket = socket
    this.#around = around
    this.#splitter = new FrameSplitter(around.requestBytesMax)
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#onBytes(bytes))
    // A connection that breaks is the client's affair; 'close' follows.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#closed.abort())
  }

  close(): void {
    this.#socket.destroy()
  }

  #onBytes(bytes: Buffer): void {
    try {
      this.#waiting.push(...this.#splitter.push(bytes))
    } catch (cause) {
      this.#fail(cause)
      return
    }
    if (this.#waiting.length > waitingMax) this.#socket.pause()
    if (!this.#busy) void this.#answerAll()
  }

  async #answerAll(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0 && !this.#closed.signal.aborted) {
      const frames = this.#waiting
      this.#waiting = []
      this.#socket.resume()
      for (const frame of frames) {
        await this.#answer(frame)
        ioBuffers.giveBack(frame)
      }
    }
    this.#busy = false
  }

  async #answer(frame: Buffer): Promise<void> {
    if (this.#closed.signal.aborted || this.#socket.destroyed) return
    try {
      const read = readRequestHead(frame)
      if (read.kind === 'version-unknown') this.#send(encodeVersionUnknown(read.correlationId))
      else await this.#serve(read.head.name, read.head)
      if (this.#socket.writableNeedDrain) await this.#drained()
    } catch (cause) {
      this.#fail(cause)
    }
  }

  async #serve<Name extends ApiName>(name: Name, head: RequestHead): Promise<void> {
    const request = readBody(name, head)
    const { faults, handlers } = this.#around
    const injected = faults.take(name)
    if (injected?.kind === 'cut' && injected.moment === 'before-effect') return this.close()
    const { version } = head.layout
    const call: Call = { version, clientId: head.clientId, closed: this.#closed.signal }
    const handler: Handler<Name> = handlers[name]
    const response =
      injected?.kind === 'error'
        ? refusals[name](request, injected.errorCode)
        : await this.#handled(
            name,
            () => handler(request, call),
            (code) => refusals[name](request, code),
          )
    if (injected?.kind === 'cut') return this.close()
    const delayMs = faults.delayMsOf(name)
    if (delayMs > 0) await this.#sleep(delayMs)
    if (response !== undefined) this.#send(encodeResponse(name, head, response))
  }

  /** Storage that refuses is an answer; whatever else a handler throws ends the connection. */
  async #handled<Name extends ApiName>(
    _name: Name,
    handle: () => ReturnType<Handler<Name>>,
    refuse: (code: typeof errorCode.kafkaStorageError) => ApiResponse<Name>,
  ): Promise<ApiResponse<Name> | undefined> {
    try {
      return await handle()
    } catch (cause) {
      if (!(cause instanceof Fault) || cause.code !== 'BROKER_STORAGE_REFUSED') throw cause
      this.#around.onTrouble(cause)
      return refuse(errorCode.kafkaStorageError)
    }
  }

  #send(chunks: readonly Buffer[]): void {
    if (this.#socket.destroyed) return
    this.#socket.cork()
    for (const chunk of chunks) this.#socket.write(chunk, () => ioBuffers.giveBack(chunk))
    this.#socket.uncork()
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = (): void => resolve()
    this.#socket.once('drain', done)
    this.#socket.once('close', done)
    await promise
    this.#socket.off('drain', done)
    this.#socket.off('close', done)
  }

  async #sleep(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { signal: this.#closed.signal, ref: false }).catch(
      () => undefined,
    )
  }

  #fail(cause: unknown): void {
    this.close()
    // A bug of our own is never survived: it leaves through the process.
    if (cause instanceof InvariantError) throw cause
    this.#around.onTrouble(cause instanceof Error ? cause : new Error(String(cause)))
  }
}

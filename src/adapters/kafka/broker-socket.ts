/**
 * Our own connection to one broker, for fetches: a long poll on a shared connection would hold up
 * heartbeats, and a client library would build an object per record.
 *
 * Invariants:
 * - One request at a time; its answer's bytes are valid until the next request.
 * - The socket reads into one buffer for ever (`onread`), an answer is gathered in another that is
 *   used again; what outlives the request is the caller's to copy.
 * - Nothing thrown while bytes arrive leaves the handler: it would end the process. The connection
 *   fails instead, and with it the request.
 * - A frame larger than `frameSizeBytesMax` fails the connection. A TLS port answers plain bytes
 *   with an alert that reads as a frame of 352 MB.
 *
 *     → length int32 · api int16 · version int16 · correlation int32 · client id
 *       · [tags] · body
 *     ← length int32 · correlation int32 · [tags] · body
 *
 * Source: https://kafka.apache.org/protocol#protocol_messages.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import { Fault } from '../../base/fault.ts'
import { WireWriter } from '../../codec/kafka/wire-writer.ts'
import type { BrokerAddress } from './options.ts'

const readSizeBytes = 262_144
const frameSizeBytesMax = 256 * 1_048_576
/** A larger answer's buffer is given back after use instead of kept. */
const keptSizeBytesMax = 64 * 1_048_576
const prefixSizeBytes = 4
const correlationSizeBytes = 4

/** Which request it is, and whether its headers carry tagged fields. */
export interface RequestKind {
  readonly apiKey: number
  readonly version: number
  readonly flexible: boolean
}

/** An answer: its body starts at `start` of `bytes`. */
export interface AnswerFrame {
  readonly bytes: Uint8Array
  readonly start: number
}

interface Pending {
  readonly correlation: number
  readonly flexible: boolean
  readonly resolve: (frame: AnswerFrame) => void
  readonly reject: (error: Error) => void
}

export interface SocketOptions {
  readonly clientId: string
  readonly tls: TlsOptions | undefined
  readonly connectTimeoutMs: number
}

export class BrokerSocket {
  readonly #clientId: string
  readonly #socket: Socket
  readonly #prefix = Buffer.alloc(prefixSizeBytes)
  #prefixFilled = 0
  #kept = Buffer.alloc(0)
  #frame: Buffer | undefined
  #frameFilled = 0
  #pending: Pending | undefined
  #correlation = 0
  #failure: Error | undefined

  private constructor(socket: Socket, clientId: string) {
    this.#socket = socket
    this.#clientId = clientId
  }

  /** @throws {Error} nobody answers there, or TLS fails. */
  static connect(at: BrokerAddress, options: SocketOptions): Promise<BrokerSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<BrokerSocket>()
    // The callback runs after this function ended: `opened` is set by then.
    const onread = {
      buffer: Buffer.allocUnsafeSlow(readSizeBytes),
      callback: (sizeBytes: number, bytes: Uint8Array): boolean => {
        opened.#onBytes(bytes, sizeBytes)
        return true
      },
    }
    const { tls } = options
    const socket =
      tls === undefined
        ? connectTcp({ ...at, noDelay: true, onread })
        : connectTls({ ...at, ...serverName(at, tls), ...tls, onread } as TlsOptions)
    const opened = new BrokerSocket(socket, options.clientId)
    socket.setNoDelay(true)
    socket.setTimeout(options.connectTimeoutMs, () =>
      socket.destroy(new Error('connect timed out')),
    )
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      socket.setTimeout(0)
      resolve(opened)
    })
    socket.on('error', (error) => opened.#fail(error))
    socket.on('close', () => {
      opened.#fail(new Error('the broker closed the connection'))
      reject(opened.#failure)
    })
    return promise
  }

  get closed(): boolean {
    return this.#failure !== undefined
  }

  /** Sends one request and waits for its answer, at most `timeoutMs`. */
  request(kind: RequestKind, body: Uint8Array, timeoutMs = 30_000): Promise<AnswerFrame> {
    const { promise, resolve, reject } = Promise.withResolvers<AnswerFrame>()
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const correlation = ++this.#correlation & 0x7fffffff
    this.#pending = { correlation, flexible: kind.flexible, resolve, reject }
    const head = new WireWriter().int32(0).int16(kind.apiKey).int16(kind.version)
    head.int32(correlation).string(this.#clientId, false).noTags(kind.flexible).raw(body)
    const frame = head.bytes()
    frame.writeInt32BE(frame.length - prefixSizeBytes, 0)
    this.#socket.write(frame)
    const overdue = (): void => this.close(new Error(`no answer within ${timeoutMs} ms`))
    const timer = setTimeout(overdue, timeoutMs)
    return promise.finally(() => clearTimeout(timer))
  }

  close(reason = new Error('closed by us')): void {
    this.#fail(reason)
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    const pending = this.#pending
    this.#pending = undefined
    pending?.reject(this.#failure)
  }

  #onBytes(bytes: Uint8Array, sizeBytes: number): void {
    try {
      for (let at = 0; at < sizeBytes; ) at = this.#take(bytes, at, sizeBytes)
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Takes what belongs to the prefix or the frame under way. @returns how far it took. */
  #take(bytes: Uint8Array, at: number, end: number): number {
    const frame = this.#frame
    if (frame === undefined) {
      this.#prefix[this.#prefixFilled++] = bytes[at] ?? 0
      if (this.#prefixFilled === prefixSizeBytes) this.#startFrame(this.#prefix.readInt32BE(0))
      return at + 1
    }
    const count = Math.min(frame.length - this.#frameFilled, end - at)
    frame.set(bytes.subarray(at, at + count), this.#frameFilled)
    this.#frameFilled += count
    if (this.#frameFilled === frame.length) this.#endFrame(frame)
    return at + count
  }

  #startFrame(sizeBytes: number): void {
    if (sizeBytes < correlationSizeBytes || sizeBytes > frameSizeBytesMax) {
      const reason = `a frame of ${sizeBytes} bytes; the port may speak TLS, or no Kafka`
      throw new Fault('KAFKA_ANSWER_MALFORMED', { reason })
    }
    if (this.#pending === undefined) {
      throw new Fault('KAFKA_ANSWER_MALFORMED', { reason: 'an answer that nobody asked for' })
    }
    if (this.#kept.length < sizeBytes) this.#kept = Buffer.allocUnsafeSlow(roomFor(sizeBytes))
    this.#frame = this.#kept.subarray(0, sizeBytes)
    this.#frameFilled = 0
    this.#prefixFilled = 0
    if (sizeBytes > keptSizeBytesMax) this.#kept = Buffer.alloc(0)
  }

  #endFrame(frame: Buffer): void {
    const pending = this.#pending
    this.#frame = undefined
    this.#pending = undefined
    if (pending === undefined) return
    const correlation = frame.readInt32BE(0)
    if (correlation === pending.correlation) {
      // Headers of answers have had no tagged fields so far: an empty set is one byte.
      const start = correlationSizeBytes + (pending.flexible ? 1 : 0)
      pending.resolve({ bytes: frame, start })
      return
    }
    const reason = `answer ${correlation} came for request ${pending.correlation}`
    pending.reject(new Fault('KAFKA_ANSWER_MALFORMED', { reason }))
    this.close()
  }
}

/**
 * Answers are of any size up to what was asked for, and a little more: a power of two and an eighth
 * holds the largest of them, and is not outgrown by one that is a few bytes larger.
 */
function roomFor(sizeBytes: number): number {
  if (sizeBytes > keptSizeBytesMax) return sizeBytes
  const power = 2 ** Math.ceil(Math.log2(sizeBytes * (8 / 9)))
  return power * 1.125
}

/** The name that the certificate must have; addresses are not sent as names. */
const serverName = ({ host }: BrokerAddress, tls: TlsOptions): TlsOptions =>
  tls.servername !== undefined || /^[\d.]+$|:/.test(host) ? {} : { servername: host }

/**
 * One connection to a Hive Metastore: one call at a time.
 *
 * Invariants:
 * - Every call ends: with its answer, when its time is up, or with the connection.
 * - A connection that failed in any way is never used again; what became of its call is not known.
 * - One that nobody used for a while is closed: whoever stands between may have forgotten it, and
 *   would be silent to the next call.
 *
 * Source: proto/hive/hive_metastore.thrift; TBufferedTransport, TBinaryProtocol of Apache Thrift.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { GatheredBytes } from './gathered-bytes.ts'
import { exceptionOf, type MetastoreCall } from './metastore-calls.ts'
import { FrameReader, framed, logIn, type SaslLogin } from './sasl.ts'
import { decodeMessage, encodeMessage, sizeBytesMax } from './thrift-binary.ts'
import { readText, structOf, type ThriftMessage, type ThriftStruct } from './thrift-value.ts'
import { ThriftWalk } from './thrift-walk.ts'

/** The metastore answered with an exception: it has done nothing. */
export class MetastoreException extends Error {
  /** "NoSuchObjectException" */
  readonly exception: string

  constructor(exception: string, message: string) {
    super(message)
    this.exception = exception
  }
}

interface Pending {
  readonly call: MetastoreCall
  readonly sequence: number
  readonly resolve: (result: ThriftStruct) => void
  readonly reject: (error: Error) => void
}

export interface MetastoreAddress {
  readonly host: string
  readonly port: number
}

/** Exceptions can carry a whole partition. */
const shownLengthMax = 300
const sequenceMax = 0x7fff_ffff
/** Of balancers and NAT the least patient forget a connection after some minutes. */
const idleMsMax = 60_000

export class MetastoreConnection {
  readonly #socket: Socket
  /** After a login all comes in frames. */
  readonly #frames: FrameReader | undefined
  readonly #answer = new GatheredBytes()
  #walk = new ThriftWalk()
  #pending: Pending | undefined
  #sequence = 0
  #failure: Error | undefined

  private constructor(socket: Socket, frames: FrameReader | undefined) {
    this.#socket = socket
    this.#frames = frames
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#onBytes(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection was closed')))
    // Silence within a call is not idle, and has its own bound.
    socket.setTimeout(idleMsMax, () => {
      if (this.#pending === undefined) this.close(new Error('nobody used the connection'))
    })
  }

  /**
   * @param login by SASL, as which nobody is told by a call.
   * @throws {Error} nobody takes the connection within `connectTimeoutMs`, or the login within as
   *   long again.
   * @throws {KerberosTrouble} the login is refused.
   */
  static async open(
    { host, port }: MetastoreAddress,
    connectTimeoutMs: number,
    login?: SaslLogin,
  ): Promise<MetastoreConnection> {
    const socket = connect({ host, port, noDelay: true })
    const within = async <T>(what: string, work: Promise<T>): Promise<T> => {
      const late = (): void => {
        socket.destroy(new Error(`no ${what} within ${connectTimeoutMs} ms`))
      }
      const timer = setTimeout(late, connectTimeoutMs)
      return work.finally(() => clearTimeout(timer))
    }
    await within('connection', once(socket, 'connect'))
    if (login === undefined) return new MetastoreConnection(socket, undefined)
    try {
      await within('login', logIn(socket, login))
    } catch (error) {
      socket.on('error', () => {})
      socket.destroy()
      throw error
    }
    return new MetastoreConnection(socket, new FrameReader())
  }

  /** False when nothing can be called on it any more. */
  get usable(): boolean {
    return this.#failure === undefined
  }

  /**
   * @returns the fields of the answer; the result is field 0.
   * @throws {MetastoreException} that is the answer.
   * @throws {Error} the connection failed: it may have been done or not.
   */
  call(call: MetastoreCall, fields: ThriftStruct, timeoutMs: number): Promise<ThriftStruct> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<ThriftStruct>()
    const sequence = (this.#sequence = (this.#sequence % sequenceMax) + 1)
    this.#pending = { call, sequence, resolve, reject }
    const bytes = encodeMessage({ kind: 'call', name: call, sequence, fields })
    this.#socket.write(this.#frames === undefined ? bytes : framed(bytes))
    const late = (): void => this.close(new Error(`no answer within ${timeoutMs} ms`))
    const timer = setTimeout(late, timeoutMs)
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

  /** What is thrown here would end the process. */
  #onBytes(came: Buffer): void {
    try {
      this.#answer.add(this.#frames === undefined ? came : this.#frames.take(came))
      const sizeBytes = this.#walk.endIn(this.#answer.bytes)
      if (sizeBytes === undefined) return refuseLonger(this.#answer.sizeBytes)
      if (sizeBytes < this.#answer.sizeBytes) throw new Error('more was answered than asked')
      this.#walk = new ThriftWalk()
      const read = decodeMessage(this.#answer.take(sizeBytes))
      if (read === undefined) throw new Error('the answer has no end')
      this.#onAnswer(read.message)
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #onAnswer({ kind, sequence, fields }: ThriftMessage): void {
    const pending = this.#pending
    if (pending === undefined || pending.sequence !== sequence) {
      throw new Error(`answer ${sequence} was not asked for`)
    }
    // Read while it is pending: what cannot be read ends the connection, and the call with it.
    const thrown =
      kind === 'exception'
        ? // Thrift's own: the server does not know the call, or failed outside of what it declares.
          new MetastoreException('TApplicationException', shown(readText(fields, 1)))
        : exceptionIn(pending.call, fields)
    this.#pending = undefined
    if (thrown === undefined) pending.resolve(fields)
    else pending.reject(thrown)
  }
}

function refuseLonger(sizeBytes: number): void {
  if (sizeBytes > sizeBytesMax) throw new Error(`more than ${sizeBytesMax} bytes are answered`)
}

function exceptionIn(call: MetastoreCall, fields: ThriftStruct): MetastoreException | undefined {
  for (const [field, value] of fields) {
    if (field === 0) continue
    // One that a newer metastore declares is no success either.
    const exception = exceptionOf(call, field) ?? `exception ${field} of ${call}`
    const message = value.type === 'struct' ? readText(value.fields, 1) : ''
    return new MetastoreException(exception, shown(message))
  }
  return undefined
}

/** On one line, and no longer than a message should be. */
function shown(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim()
  return line.length > shownLengthMax ? `${line.slice(0, shownLengthMax)}…` : line
}

/** "4.0.1": what a metastore says when it is asked for its version. */
export async function versionOf(connection: MetastoreConnection, timeoutMs: number) {
  return readText(await connection.call('getVersion', structOf([]), timeoutMs), 0)
}

/**
 * A login to a metastore by SASL GSSAPI, and the frames that all is sent in after it.
 *
 *     [1][length] "GSSAPI"          start
 *     [2][length] token             ok: another step, from either side
 *     [5][length]                   complete
 *     [length] bytes                afterwards, both ways
 *
 * - Each side proves who it is; what is sent afterwards is neither signed nor encrypted (QOP auth).
 *   A metastore that takes nothing less is refused.
 *
 * Source: TSaslTransport of Apache Thrift; RFC 4752, sections 3.1 and 3.3.
 */
import type { Socket } from 'node:net'
import { KerberosTrouble } from '../../base/kerberos-trouble.ts'
import type { Kerberos } from '../../ports/kerberos.ts'
import { GatheredBytes } from './gathered-bytes.ts'

const mechanism = 'GSSAPI'
const status = { start: 1, ok: 2, bad: 3, error: 4, complete: 5 } as const
const headBytes = 5
const lengthBytes = 4
/** Of a message of a login: tickets are some kilobytes. */
const messageBytesMax = 1_048_576
/** Of a frame: a call with a hundred partitions is some hundred kilobytes. */
const frameBytesMax = 268_435_456
/** Bit of the layers that a server offers, and what we choose of them: none. */
const noLayer = 1
const offerBytes = 4

export interface SaslLogin {
  readonly kerberos: Kerberos
  /** "hive@hms1.example.com" */
  readonly service: string
}

/**
 * On a socket that is connected and that nobody reads.
 * @throws {KerberosTrouble} either side is not who the other wants.
 * @throws {Error} the connection failed.
 */
export async function logIn(socket: Socket, { kerberos, service }: SaslLogin): Promise<void> {
  const messages = new MessageReader(socket)
  try {
    const handshake = await kerberos.begin(service, 'krb5')
    let token = await handshake.step('')
    write(socket, status.start, Buffer.from(mechanism))
    write(socket, status.ok, Buffer.from(token, 'base64'))
    while (!handshake.isComplete) {
      token = await handshake.step((await messages.next(status.ok)).toString('base64'))
      write(socket, status.ok, Buffer.from(token, 'base64'))
    }
    const offer = await handshake.unwrap(await messages.next(status.ok))
    if (offer.length < offerBytes || ((offer[0] ?? 0) & noLayer) === 0) {
      throw refused('the metastore wants all to be signed or encrypted (hadoop.rpc.protection)')
    }
    write(socket, status.complete, await handshake.wrap(Buffer.from([noLayer, 0, 0, 0])))
    await messages.next(status.complete)
  } finally {
    messages.end()
  }
}

/** What a call is sent as after a login. */
export function framed(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(lengthBytes)
  head.writeUInt32BE(bytes.byteLength)
  return Buffer.concat([head, bytes])
}

/** Takes frames apart as their bytes come. */
export class FrameReader {
  readonly #held = new GatheredBytes()

  /** @returns the bytes of the frames that are whole now. @throws {Error} one is too long. */
  take(chunk: Buffer): Buffer {
    this.#held.add(chunk)
    const whole: Buffer[] = []
    while (this.#held.sizeBytes >= lengthBytes) {
      const next = lengthBytes + this.#held.bytes.readUInt32BE()
      if (next > frameBytesMax) throw new Error(`a frame of ${next} bytes`)
      if (this.#held.sizeBytes < next) break
      whole.push(this.#held.take(next).subarray(lengthBytes))
    }
    return Buffer.concat(whole)
  }
}

function write(socket: Socket, kind: number, payload: Buffer): void {
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(kind)
  head.writeUInt32BE(payload.length, 1)
  socket.write(Buffer.concat([head, payload]))
}

/** The messages of a login, one after the other. */
class MessageReader {
  readonly #socket: Socket
  #held: Buffer = Buffer.alloc(0)
  #failure: Error | undefined
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#onBytes)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  /** @throws {KerberosTrouble} the metastore says something else. */
  async next(wanted: number): Promise<Buffer> {
    for (;;) {
      const message = this.#whole()
      if (message !== undefined) {
        if (message.kind === wanted) return message.payload
        throw refused(`the metastore answers ${message.kind} to the login: ${told(message)}`)
      }
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Whoever reads next finds the socket as it was; a server says nothing unasked. */
  end(): void {
    this.#socket.off('data', this.#onBytes)
    this.#socket.off('error', this.#onError)
    this.#socket.off('close', this.#onClose)
  }

  #whole(): { readonly kind: number; readonly payload: Buffer } | undefined {
    if (this.#held.length < headBytes) return undefined
    const next = headBytes + this.#held.readUInt32BE(1)
    if (next > messageBytesMax) throw new Error('the metastore does not answer as SASL does')
    if (this.#held.length < next) return undefined
    const message = { kind: this.#held.readUInt8(), payload: this.#held.subarray(headBytes, next) }
    this.#held = this.#held.subarray(next)
    return message
  }

  readonly #onBytes = (chunk: Buffer): void => {
    this.#held = Buffer.concat([this.#held, chunk])
    this.#wake()
  }

  readonly #onError = (error: Error): void => {
    this.#failure ??= error
    this.#wake()
  }

  readonly #onClose = (): void => this.#onError(new Error('the connection was closed'))
}

const refused = (message: string): KerberosTrouble =>
  new KerberosTrouble(message, { passes: false })

const shownLengthMax = 300
const told = ({ payload }: { readonly payload: Buffer }): string =>
  payload.toString().replaceAll(/\s+/g, ' ').trim().slice(0, shownLengthMax)

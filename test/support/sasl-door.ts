/**
 * A server before a fake metastore that lets in whom a ticket names, by SASL GSSAPI, and takes all
 * that follows in frames; on the other end of `FakeGss`.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What the door does at a login. */
interface DoorManners {
  /** Bits of the layers that are offered: 1 none, 2 signed, 4 encrypted. */
  offer?: number
  /** Instead of the proof that it is the service. */
  proof?: string
  /** Message that refuses the ticket. */
  refuses?: string
  /** Answers that are cut into pieces of so many bytes. */
  pieces?: number
}

const kinds = { ok: 2, bad: 3, complete: 5 }

export class SaslDoor {
  manners: DoorManners = {}
  /** Tickets that came: "ticket of lakeward for hive@localhost". */
  readonly came: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, behind: number) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      void this.#serve(socket, behind).catch(() => socket.destroy())
    })
  }

  /** @param behind port of the fake metastore. */
  static async start(behind: number): Promise<SaslDoor> {
    const server = createServer({ noDelay: true })
    const door = new SaslDoor(server, behind)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return door
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(socket: Socket, behind: number): Promise<void> {
    const { offer = 1, refuses, proof } = this.manners
    const bytes = new Bytes(socket)
    const say = (kind: number, payload: Buffer): void =>
      this.#write(socket, Buffer.concat([Buffer.from([kind]), lengthOf(payload), payload]))
    const hear = async (): Promise<Buffer> => {
      await bytes.take(1)
      return bytes.take((await bytes.take(4)).readUInt32BE())
    }
    if ((await hear()).toString() !== 'GSSAPI') throw new Error('another mechanism')
    const ticket = (await hear()).toString()
    this.came.push(ticket)
    if (refuses !== undefined) return say(kinds.bad, Buffer.from(refuses))
    const service = ticket.replace(/^.* for /, '')
    say(kinds.ok, Buffer.from(proof ?? `proof of ${service}`))
    if ((await hear()).length > 0) throw new Error('more was said than asked')
    say(kinds.ok, Buffer.from([offer, 0, 0, 0]).reverse())
    const chosen = (await hear()).toReversed()
    if (chosen.join(' ') !== '1 0 0 0') throw new Error('a layer that was not offered')
    say(kinds.complete, Buffer.alloc(0))
    const onward = connect(behind, '127.0.0.1')
    this.#sockets.add(onward)
    onward.on('error', () => {})
    onward.on('data', (chunk) => this.#write(socket, Buffer.concat([lengthOf(chunk), chunk])))
    onward.on('close', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    for (;;) onward.write(await bytes.take((await bytes.take(4)).readUInt32BE()))
  }

  #write(socket: Socket, bytes: Buffer): void {
    const { pieces = bytes.length } = this.manners
    for (let first = 0; first < bytes.length; first += pieces) {
      socket.write(bytes.subarray(first, first + pieces))
    }
  }
}

function lengthOf(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(payload.byteLength)
  return head
}

/** Of a socket, by their number. */
class Bytes {
  #held = Buffer.alloc(0)
  #wake: () => void = () => {}
  #isClosed = false

  constructor(socket: Socket) {
    socket.on('data', (chunk) => {
      this.#held = Buffer.concat([this.#held, chunk])
      this.#wake()
    })
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  async take(count: number): Promise<Buffer> {
    while (this.#held.length < count) {
      if (this.#isClosed) throw new Error('closed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const taken = this.#held.subarray(0, count)
    this.#held = this.#held.subarray(count)
    return taken
  }
}

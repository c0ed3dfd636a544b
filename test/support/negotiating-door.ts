/**
 * A server before a fake HDFS that gives and renews delegation tokens to whom a ticket names, as a
 * secured namenode does; everything else it hands on as it came.
 *
 *     Authorization: Negotiate …           verified by `verify`; without it 401
 *     WWW-Authenticate: Negotiate …        with the answer, unless `proves` is false
 */
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface VerifiedTicket {
  /** "lakeward@LAKEWARD.TEST" */
  readonly user: string
  /** Base64. */
  readonly proof: string
}

/** @param token base64. @returns undefined where it is no ticket for us. */
export type VerifyTicket = (token: string) => Promise<VerifiedTicket | undefined>

export class NegotiatingDoor {
  /** Who came, in order: "GETDELEGATIONTOKEN lakeward@LAKEWARD.TEST". */
  readonly came: string[] = []
  proves = true
  readonly #server: Server
  readonly #verify: VerifyTicket
  readonly #behind: string

  private constructor(server: Server, behind: string, verify: VerifyTicket) {
    this.#server = server
    this.#behind = behind
    this.#verify = verify
  }

  /** @param behind "127.0.0.1:40001": of the fake namenode. */
  static async start(behind: string, verify: VerifyTicket): Promise<NegotiatingDoor> {
    const server = createServer()
    const door = new NegotiatingDoor(server, behind, verify)
    server.on('request', (incoming, response) => {
      const handOn = (headers: Readonly<Record<string, string>>): void => {
        const [host, port] = door.#behind.split(':')
        const { method = '', url: path } = incoming
        const { authorization: _, ...others } = incoming.headers
        const onward = request({ host, port, method, path, headers: others, agent: false })
        onward.on('response', (answer) => {
          response.writeHead(answer.statusCode ?? 0, { ...answer.headers, ...headers })
          answer.pipe(response)
        })
        onward.on('error', () => response.destroy())
        incoming.pipe(onward)
      }
      void door.#admit(incoming).then((headers) => {
        if (headers !== undefined) handOn(headers)
        else response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return door
  }

  /** "localhost:40003": the host is the one that the realm knows. */
  get address(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** @returns what is answered besides; undefined for a stranger. */
  async #admit({ url, headers }: IncomingMessage): Promise<Record<string, string> | undefined> {
    const op = new URL(url ?? '/', 'http://door').searchParams.get('op') ?? ''
    if (!op.endsWith('TOKEN')) return {}
    const token = /^Negotiate (?<token>\S+)$/.exec(headers.authorization ?? '')?.groups?.['token']
    const ticket = token === undefined ? undefined : await this.#verify(token)
    if (ticket === undefined) return undefined
    this.came.push(`${op} ${ticket.user}`)
    return this.proves ? { 'www-authenticate': `Negotiate ${ticket.proof}` } : {}
  }
}

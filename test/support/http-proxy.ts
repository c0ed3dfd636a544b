/** An HTTP proxy on loopback, with what it was asked for. */
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

export class HttpProxy {
  /** "PUT 127.0.0.1:40001", "CONNECT 127.0.0.1:40002". */
  readonly asked: string[] = []
  /** Who asked, where they said it. */
  readonly logins: string[] = []
  /** The status that CONNECT is refused with. */
  refuses: number | undefined
  readonly #server: Server
  readonly #tunnels = new Set<Duplex>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<HttpProxy> {
    const server = createServer()
    const proxy = new HttpProxy(server)
    server.on('request', (incoming, response) => {
      const url = new URL(incoming.url ?? '')
      const { method = '' } = incoming
      const { 'proxy-authorization': login, ...headers } = incoming.headers
      if (login !== undefined) proxy.logins.push(login)
      proxy.asked.push(`${method} ${url.host}`)
      const onward = request(url, { method, headers, agent: false })
      response.on('close', () => onward.destroy())
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers)
        answer.pipe(response)
      })
      onward.on('error', () => response.destroy())
      incoming.pipe(onward)
    })
    server.on('connect', (incoming, socket) => {
      proxy.asked.push(`CONNECT ${incoming.url}`)
      proxy.#tunnels.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => proxy.#tunnels.delete(socket))
      if (proxy.refuses !== undefined) {
        socket.end(`HTTP/1.1 ${proxy.refuses} No\r\n\r\n`)
        return
      }
      const { hostname, port } = new URL(`http://${incoming.url}`)
      const onward = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
      socket.on('close', () => onward.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const tunnel of this.#tunnels) tunnel.destroy()
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

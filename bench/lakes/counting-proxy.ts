/**
 * An HTTP proxy in a process of its own that counts requests, to S3 or to a namenode, and leaves
 * them as they are.
 *
 * usage: counting-proxy.ts ENDPOINT
 * prints its port as JSON; GET /bench-counts on it tells {"answered", "refused"}: answers below
 * 500, and those that are tried again. The host's name is kept: it is part of the signature.
 */
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

const target = new URL(process.argv[2] ?? '')
const agent = new Agent({ keepAlive: true })
const counts = { answered: 0, refused: 0, byKind: {} as Record<string, number> }
const retriedFrom = 500
const tooMany = 429
const unsaid = new Set(['x-id', 'prefix', 'delimiter', 'start-after', 'max-keys'])

const server = createServer((asked, answer) => {
  if (asked.url === '/bench-counts') {
    answer.end(JSON.stringify(counts))
    return
  }
  const { method, headers, url: path } = asked
  const options = { agent, method, headers, path, host: target.hostname, port: target.port }
  const onward = request(options, (told) => {
    const status = told.statusCode ?? retriedFrom
    if (status >= retriedFrom || status === tooMany) counts.refused += 1
    else counts.answered += 1
    const kind = kindOf(method ?? '', path ?? '')
    counts.byKind[kind] = (counts.byKind[kind] ?? 0) + 1
    answer.writeHead(status, told.headers)
    told.pipe(answer)
  })
  onward.on('error', () => answer.destroy())
  asked.pipe(onward)
})

/** "GET staging list-type": which kind of request, and of which folder, without names. */
function kindOf(method: string, path: string): string {
  const [place = '', query = ''] = path.split('?')
  const asked = new URLSearchParams(query)
  const operation = asked.get('op')
  if (operation !== null) return `${operation} ${hdfsPlaceOf(decodeURIComponent(place))}`
  const words = [...asked.keys()].filter((key) => !unsaid.has(key)).sort()
  const under = decodeURIComponent(asked.get('prefix') ?? place)
  const folder = /\/_lakeward\/[^/]+\/([a-z-]+)/.exec(under)?.[1] ?? 'tables'
  return [method, folder, ...words].join(' ')
}

/** What a path of WebHDFS is: a table's file, staged or not, or where else it lies. */
function hdfsPlaceOf(path: string): string {
  const folder = /\/_lakeward\/[^/]+\/([a-z-]+)/.exec(path)?.[1]
  if (folder !== undefined) return folder
  if (path.includes('can-join')) return 'trial'
  if (path.endsWith('.staged')) return 'staged'
  if (path.includes('/.tail-')) return 'tails'
  if (path.endsWith('.parquet')) return 'files'
  return path.includes('/_staging/') ? 'journals' : 'tables'
}

server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }))
})
process.once('SIGTERM', () => {
  server.closeAllConnections()
  server.close()
  agent.destroy()
})

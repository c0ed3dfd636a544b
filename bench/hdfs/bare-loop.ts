/**
 * The same bytes without us: CREATE under a name, RENAME to another, sixteen files at a time.
 *
 *     node bench/hdfs/bare-loop.ts NAMENODE FOLDER SIZES    {"seconds":4.21}
 *
 * SIZES is a file with a JSON list of sizes. Nothing is looked at, retried, encoded or decided: the
 * least that a cluster takes for so many files that appear whole.
 */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { inParallel } from '../../src/committer/parallel.ts'

const atOnce = 16
const [namenode = '', folder = '', sizesPath = ''] = process.argv.slice(2)
const sizes = JSON.parse(readFileSync(sizesPath, 'utf8')) as number[]
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const root = `http://${namenode}/webhdfs/v1${folder}`
/** Bytes that no compression of a connection or a disk makes fewer. */
const noise = Buffer.alloc(Math.max(...sizes))
for (let at = 0, value = 1; at < noise.byteLength; at++) {
  value = (value * 1_103_515_245 + 12_345) % 2_147_483_648
  noise[at] = value >>> 16
}

function ask(url: string, body?: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body?.byteLength ?? 0 }
    const sent = request(url, { method: 'PUT', agent, headers }, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(pieces).toString()
        if ((answer.statusCode ?? 0) < 300) resolve(text)
        else reject(new Error(`${answer.statusCode}: ${text}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function putOne(name: string, body: Uint8Array): Promise<void> {
  const user = 'user.name=lakeward'
  const way = await ask(
    `${root}/_staging/${name}?op=CREATE&overwrite=false&noredirect=true&${user}`,
  )
  await ask((JSON.parse(way) as { Location: string }).Location, body)
  const destination = encodeURIComponent(`${folder}/${name}`)
  const options = `destination=${destination}&renameoptions=NONE&${user}`
  await ask(`${root}/_staging/${name}?op=RENAME&${options}`)
}

const beganMs = performance.now()
await inParallel([...sizes.entries()], atOnce, ([index, size]) =>
  putOne(`${index}`, noise.subarray(0, size)),
)
console.log(JSON.stringify({ seconds: (performance.now() - beganMs) / 1_000 }))
agent.destroy()

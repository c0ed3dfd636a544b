/**
 * Whether a store honours "If-None-Match: *": the commit log stands on it, and stores that ignore
 * it say nothing of that.
 *
 *     _lakeward/conditional-writes.json
 *     {"format":1,"endpoint":"http://127.0.0.1:9000","bucket":"lake","winners":[1,1,1]}
 *
 * - Asked once for each lake, before the first put-if-absent: three rounds of twenty racing puts.
 *   Stores that mostly let one win were seen to let 2, 7 and 20 win.
 * - Asked again where the endpoint is another one than the answer was found at.
 * - A store that does not honour it is refused, and nothing is kept.
 */
import { z } from 'zod'
import { Fault } from '../../base/fault.ts'
import type { Random } from '../../ports/random.ts'
import type { Logger } from '../../ports/telemetry.ts'
import type { S3Bucket } from './s3-bucket.ts'

const verdictPath = '_lakeward/conditional-writes.json'
const probeFolder = '_lakeward/probes'
const roundCount = 3
const racerCount = 20
const nameBytes = 8

const verdictShape = z.strictObject({
  format: z.literal(1),
  endpoint: z.string(),
  bucket: z.string(),
  winners: z.array(z.int()),
})

export interface ConditionalWritesPorts {
  readonly random: Random
  readonly log: Logger
}

export class ConditionalWrites {
  readonly #bucket: S3Bucket
  readonly #ports: ConditionalWritesPorts
  #asked: Promise<void> | undefined

  constructor(bucket: S3Bucket, ports: ConditionalWritesPorts) {
    this.#bucket = bucket
    this.#ports = ports
  }

  /**
   * Resolves when the store is known to honour them.
   * @throws {Fault} `LAKE_NOT_CONDITIONAL`; another of the lake, and then it is asked again.
   */
  require(): Promise<void> {
    this.#asked ??= this.#ask().catch((error: unknown) => {
      this.#asked = undefined
      throw error
    })
    return this.#asked
  }

  async #ask(): Promise<void> {
    const { endpoint, bucket } = this.#bucket.options.where
    if (await this.#isKnown()) return
    const winners: number[] = []
    for (let round = 1; round <= roundCount; round++) winners.push(await this.#race())
    this.#ports.log.info('lake asked for conditional writes', { endpoint, bucket, winners })
    if (winners.some((count) => count !== 1)) {
      const facts = { endpoint, racers: racerCount, winners: winners.join(', ') }
      throw new Fault('LAKE_NOT_CONDITIONAL', facts)
    }
    const verdict = { format: 1, endpoint, bucket, winners }
    await this.#bucket.write(verdictPath, Buffer.from(JSON.stringify(verdict)))
  }

  async #isKnown(): Promise<boolean> {
    const bytes = await this.#bucket.read(verdictPath)
    if (bytes === undefined) return false
    const { endpoint, bucket } = this.#bucket.options.where
    const verdict = verdictShape.safeParse(jsonOf(bytes)).data
    return verdict?.endpoint === endpoint && verdict.bucket === bucket
  }

  /** @returns how many of those that put at once were told that they had. */
  async #race(): Promise<number> {
    const path = `${probeFolder}/${this.#name()}`
    const racers = Array.from({ length: racerCount }, () =>
      this.#bucket.putIfAbsent(path, Buffer.from(this.#name())),
    )
    const outcomes = await Promise.all(racers)
    await this.#bucket.remove(path)
    return outcomes.filter(({ kind }) => kind === 'created').length
  }

  #name(): string {
    return Buffer.from(this.#ports.random.bytes(nameBytes)).toString('hex')
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

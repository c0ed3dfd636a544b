/**
 * A record, not a benchmark: of three members that read 1,000 partitions of three real brokers one
 * is killed, then another one comes. How long until everything is read again, and how long
 * partitions that stay where they are went without an answer meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { Fault } from '../../src/base/fault.ts'
import { serviceNamed } from '../../test/system/services/catalogue.ts'
import { keepResults } from '../measure/keep-results.ts'
import { commitText, loadText, machineText, thisMachine } from '../measure/machine.ts'
import { MissingOutside } from '../measure/outcome.ts'
import { withService } from '../measure/real-services.ts'
import { type Arrivals, gapOf } from './gaps.ts'
import { Worker } from './worker.ts'

const broker = 'kafka-4-three'
const partitionCount = 1_000
const topic = `rebalance.${partitionCount}`
const periodMs = 1_000
/** In which nothing moves: the medians' time. */
const calmMs = 15_000
const settledMs = 5_000
const waitMsMax = 120_000
/** Of "consumer" it is the brokers': `test/system/services/kafka-node.ts`. */
const sessions = { classic: 10_000, consumer: 12_000 } as const
type Protocol = keyof typeof sessions
const graceMs = 3_000
const ratioMax = 2
/** Rounds of the producer before anything is measured; a gap of it is none of ours. */
const calmRounds = 10
const pauseMax = 2
const about =
  'Appended by `npm run bench -- rebalance`: three members read 1,000 partitions of three real ' +
  'brokers, into each of which\na record comes a second; one member is killed, then another one ' +
  'comes. Gaps are distances of two answers with records of a\npartition that stayed where it was.'

interface Moved {
  readonly what: string
  /** Until every partition is read by somebody again. */
  readonly seconds: number
  readonly kept: number
  readonly medianMs: number
  /** Longest gap ÷ median before, of the worst partition. */
  readonly worst: number
  /** Partitions with too few answers before for a median. */
  readonly silent: number
  /** Partitions with a gap of more than twice their median. */
  readonly above: number
  /** The producer's longest, in which nothing came for anybody. */
  readonly pauseMs: number
}

/** A record into every partition each second; the producer's own pauses are told beside gaps. */
class Pulse {
  readonly #producer: RecordProducer
  readonly sentMs: number[] = []
  #stopped = false
  #done: Promise<void>

  constructor(brokers: readonly string[]) {
    this.#producer = new RecordProducer({ brokers, clientId: 'pulse', compression: 'none' })
    this.#done = this.#run()
  }

  async #run(): Promise<void> {
    // What is late is not made up for: rounds that follow at once would be another pace.
    for (let dueMs = Date.now(); !this.#stopped; dueMs = Math.max(dueMs + periodMs, Date.now())) {
      await sleep(Math.max(0, dueMs - Date.now()))
      const records = Array.from({ length: partitionCount }, (_, partition) => {
        return { topic, partition, key: undefined, value: new Uint8Array(100), timestampMs: dueMs }
      })
      try {
        await this.#producer.send(records)
        this.sentMs.push(Date.now())
      } catch (error) {
        // A round that is missing is a gap of everybody, and stands in the producer's pauses.
        if (!(error instanceof Fault)) throw error
        console.error(error.message)
      }
    }
    await this.#producer.close()
  }

  /** The last rounds came one after the other, without a pause. */
  get isCalm(): boolean {
    const last = this.sentMs.slice(-calmRounds)
    return last.length === calmRounds && longestPause(last) < periodMs * pauseMax
  }

  /** The longest distance of two rounds that ended in this time. */
  pauseIn(firstMs: number, nextMs: number): number {
    const before = this.sentMs.findLast((at) => at < firstMs) ?? firstMs
    const rounds = this.sentMs.filter((at) => at >= firstMs && at < nextMs)
    // One that is under way when the time ends has lasted until then.
    return longestPause([before, ...rounds, nextMs])
  }

  stop(): Promise<void> {
    this.#stopped = true
    return this.#done
  }
}

const longestPause = (moments: readonly number[]): number =>
  Math.max(0, ...moments.slice(1).map((at, index) => at - (moments[index] ?? at)))

async function until(what: string, look: () => boolean): Promise<void> {
  for (const endMs = Date.now() + waitMsMax; !look(); ) {
    if (Date.now() > endMs) throw new MissingOutside(`not within ${waitMsMax} ms: ${what}`)
    await sleep(20)
  }
}

async function makeTopic(brokers: readonly string[]): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  try {
    if ((await admin.listTopics()).includes(topic)) return
    const wanted = { topic, numPartitions: partitionCount, replicationFactor: 1 }
    await admin.createTopics({ topics: [wanted], waitForLeaders: false, timeout: 60_000 })
    for (const endMs = Date.now() + waitMsMax; (await ledIn(admin)) < partitionCount; ) {
      if (Date.now() > endMs) throw new MissingOutside(`partitions of ${topic} have no leader`)
      await sleep(500)
    }
  } finally {
    await admin.disconnect()
  }
}

/** How many partitions have a leader; a topic that is not known yet has none. */
async function ledIn(admin: ReturnType<Kafka['admin']>): Promise<number> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.filter(({ leader }) => leader >= 0).length ?? 0
  } catch {
    return 0
  }
}

const coveredBy = (workers: readonly Worker[]): number =>
  new Set(workers.flatMap(({ share }) => [...share])).size

/** The leader leaves loads alone that are nearly even: this much of an even share is enough. */
const shareLeast = 0.75

const isShared = (workers: readonly Worker[]): boolean => {
  const least = (partitionCount / workers.length) * shareLeast
  const counts = workers.map(({ share }) => share.size)
  return coveredBy(workers) === partitionCount && counts.every((count) => count >= least)
}

interface Phase {
  readonly what: string
  readonly calmFromMs: number
  readonly movedAtMs: number
  readonly doneMs: number
  readonly endMs: number
  /** What each survivor had before and never gave up, by index of worker. */
  readonly kept: readonly (readonly number[])[]
}

async function phase(
  what: string,
  stay: readonly Worker[],
  move: () => Promise<readonly Worker[]>,
): Promise<Phase> {
  const calmFromMs = Date.now()
  await sleep(calmMs)
  const before = stay.map(({ share, changes }) => ({ share: [...share], told: changes.length }))
  const movedAtMs = Date.now()
  const workers = await move()
  await until(`${what}: every partition has its reader`, () => isShared(workers))
  const doneMs = Math.max(...workers.flatMap(({ changes }) => changes.map(({ atMs }) => atMs)))
  await sleep(settledMs)
  const kept = stay.map(({ changes }, index) => {
    const { share = [], told = 0 } = before[index] ?? {}
    const given = changes.slice(told).filter(({ event }) => event !== 'assigned')
    const gone = new Set(given.flatMap(({ partitions }) => partitions))
    return share.filter((partition) => !gone.has(partition))
  })
  return { what, calmFromMs, movedAtMs, doneMs, endMs: Date.now(), kept }
}

function movedOf(
  of: Phase,
  arrivals: readonly Readonly<Record<number, Arrivals>>[],
  pulse: Pulse,
): Moved {
  const { what, calmFromMs, movedAtMs, doneMs, endMs, kept } = of
  const before = { firstMs: calmFromMs, nextMs: movedAtMs }
  const judged = { firstMs: movedAtMs, nextMs: endMs }
  const gaps = kept.flatMap((partitions, index) =>
    partitions.map((at) => gapOf(arrivals[index]?.[at] ?? [], before, judged)),
  )
  const known = gaps.filter((gap) => gap !== undefined)
  if (known.length === 0) throw new Error('no partition that stayed had answers before')
  const ratios = known.map(({ longestMs, medianMs }) => longestMs / medianMs)
  const medians = known.map(({ medianMs }) => medianMs).sort((a, b) => a - b)
  return {
    what,
    seconds: (doneMs - movedAtMs) / 1_000,
    kept: known.length,
    medianMs: medians[Math.floor(medians.length / 2)] ?? Number.NaN,
    worst: Math.max(...ratios),
    silent: gaps.length - known.length,
    above: ratios.filter((ratio) => ratio > ratioMax).length,
    pauseMs: pulse.pauseIn(calmFromMs, endMs),
  }
}

/** One group from its beginning to its end. */
async function measure(brokers: readonly string[], protocol: Protocol) {
  const group = `${protocol}-${Date.now()}`
  const words = [brokers.join(','), topic, group, protocol, String(sessions[protocol])]
  const started: Worker[] = []
  const start = (): Worker => {
    const worker = new Worker(words)
    started.push(worker)
    return worker
  }
  const pulse = new Pulse(brokers)
  try {
    const stay = [start(), start()]
    const third = start()
    await until('all are shared', () => isShared([...stay, third]))
    await until('the producer is calm', () => pulse.isCalm)
    const dies = await phase('one dies', stay, async () => {
      await third.kill()
      return stay
    })
    await until('the producer is calm', () => pulse.isCalm)
    const comes = await phase('one comes', stay, async () => [...stay, start()])
    const arrivals = await Promise.all(stay.map((worker) => worker.stop()))
    return [movedOf(dies, arrivals, pulse), movedOf(comes, arrivals, pulse)]
  } finally {
    for (const worker of started) await worker.kill()
    await pulse.stop()
  }
}

const lineOf = (protocol: Protocol, moved: Moved): string =>
  `- ${protocol}, ${moved.what}: every partition read after ${moved.seconds.toFixed(1)} s ` +
  `(session ${sessions[protocol] / 1_000} s); ${moved.kept} stayed, an answer every ` +
  `${moved.medianMs} ms before, longest gap ${moved.worst.toFixed(2)} times the median, ` +
  `${moved.above} above ${ratioMax}, ${moved.silent} without a median; the producer's longest ` +
  `pause ${moved.pauseMs} ms`

function missedOf(protocol: Protocol, moved: Moved): readonly string[] {
  const { what, seconds, worst, silent, pauseMs } = moved
  const late = what === 'one dies' && seconds * 1_000 > sessions[protocol] + graceMs
  return [
    ...(late ? [`${protocol}: assigned ${seconds.toFixed(1)} s after a member died`] : []),
    ...(pauseMs > periodMs * pauseMax
      ? [`${protocol}, ${what}: the producer paused for ${pauseMs} ms: no result of gaps`]
      : []),
    ...(silent > 0 ? [`${protocol}, ${what}: ${silent} partitions without a median`] : []),
    ...(worst > ratioMax ? [`${protocol}, ${what}: a gap of ${worst.toFixed(2)} medians`] : []),
  ]
}

const load = loadText()
const instance = `${broker}-rebalance`
const inTurn = async (address: string) => {
  const brokers = address.split(',')
  await makeTopic(brokers)
  // On brokers that have just made 1,000 partitions the producer hung once, for 17 to 43 s, in each
  // run so far, and in no group after the first, which is therefore none of the record.
  await measure(brokers, 'classic')
  const all: { lines: string[]; missed: string[] } = { lines: [], missed: [] }
  for (const protocol of ['classic', 'consumer'] as const) {
    const moved = await measure(brokers, protocol)
    all.lines.push(...moved.map((each) => lineOf(protocol, each)))
    all.missed.push(...moved.flatMap((each) => missedOf(protocol, each)))
  }
  return all
}
const { lines, missed } = await withService(broker, instance, inTurn, 'anywhere')
for (const line of lines) console.log(line)
const { version } = serviceNamed(broker)
const context =
  `Brokers: Kafka ${version}, three nodes on this machine; ` + `load before the run ${load}.`
const seen = missed.length === 0 ? 'every bar holds' : missed.join('; ')
keepResults('rebalance', about, [context, ...lines, `Observation: ${seen}.`])
const cases = lines.map((name) => ({ name }))
const machine = machineText(thisMachine())
console.log(JSON.stringify({ bench: 'rebalance', commit: commitText(), machine, cases }))
process.exitCode = missed.length === 0 ? 0 : 1

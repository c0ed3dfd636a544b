/** One lake, its broker and workers, hit again and again, drained, and judged. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SimRandom } from '../sim/random.ts'
import { eventually } from '../support/eventually.ts'
import { copyOut } from '../support/hdfs-lakes.ts'
import { LakewardProcess } from '../support/processes.ts'
import { hdfsFirstFolder } from '../system/services/hdfs.ts'
import { s3Credentials } from '../system/services/s3-server.ts'
import { judgeLake, type Verdict } from './checker.ts'
import { BrokerProcess, killAtExit } from './children.ts'
import type { BrokerKind } from './flags.ts'
import { Fleet } from './fleet.ts'
import { type LakeView, viewOfFolder, viewOfHdfs } from './lake-view.ts'
import { LakeWatch } from './lake-watch.ts'
import { NumberFlow } from './number-flow.ts'
import {
  type Assignment,
  type FileMode,
  hourMs,
  pipeline,
  sessionTimeoutMs,
  streams,
  writeChaosConfig,
} from './numbered.ts'
import type { Place } from './place.ts'
import type { Blow, LakeKind } from './plan.ts'
import { KilledService } from './services.ts'

const ageMs = 400 * 24 * hourMs
/** While it drains: between two steps. */
const quietMsMax = 180_000
const serviceDownMsMax = 500
const settleMs = 1_000
const commitMsMax = 180_000
/** Of the lake on HDFS. */
const hdfsFolder = `${hdfsFirstFolder}/lake`
/** What the checker looks at. */
const judgedFolders = [
  ...streams,
  `${pipeline}_dead_letters`,
  `_lakeward/${pipeline}/ready`,
  `_lakeward/${pipeline}/quarantine`,
]

export interface RoundOptions {
  readonly folder: string
  readonly workerCount: number
  readonly assignment: Assignment
  readonly broker: BrokerKind
  readonly lake: LakeKind
  readonly fileMode: FileMode
  readonly random: SimRandom
}

export class Round {
  readonly #options: RoundOptions
  /** Folder of the lake; of a bucket that of its server; of HDFS the copy that is judged. */
  readonly #lake: string
  readonly #broker: BrokerProcess | KilledService
  readonly #store: KilledService | undefined
  readonly #startMs = Math.floor(Date.now() / hourMs) * hourMs - ageMs
  #fleet: Fleet | undefined
  #configPath = ''
  #flow: NumberFlow | undefined
  #watch: LakeWatch | undefined
  /** Paused workers, until each goes on. */
  readonly #zombies: Promise<void>[] = []

  constructor(options: RoundOptions) {
    this.#options = options
    const { folder, broker, lake } = options
    this.#store = lake === 'file' ? undefined : new KilledService(folder, lake)
    this.#lake = join(lake === 's3' ? present(this.#store).bucketFolder : folder, 'lake')
    this.#broker =
      broker === 'embedded'
        ? new BrokerProcess(join(folder, 'broker'))
        : new KilledService(folder, broker)
  }

  async start(): Promise<void> {
    const { folder, assignment, workerCount, broker, lake, fileMode } = this.#options
    await this.#store?.start()
    mkdirSync(this.#lake, { recursive: true })
    await this.#broker.start()
    const brokerPort = this.#broker.port
    this.#flow = new NumberFlow(brokerPort, this.#startMs, {
      settleMs: broker === 'embedded' ? 0 : settleMs,
      // There an announcement costs a dozen calls: more of them would only wait in the outbox.
      perTickAndPartition: lake === 'hdfs' ? 1 : 5,
    })
    await this.#flow.start()
    this.#configPath = await writeChaosConfig(folder, {
      brokerPort,
      assignment,
      fileMode,
      ...this.#lakeKey(),
    })
    this.#fleet = new Fleet(folder, this.#configPath, workerCount)
    await this.#fleet.atWork()
    this.#watch = await LakeWatch.open(this.#view())
  }

  /** @returns what was hit: the phase is the one that the process was found in. */
  async hit(blow: Blow): Promise<Blow> {
    if (blow.kind === 'broker') return await this.#hitService(this.#broker, blow)
    if (blow.kind === 'store') return await this.#hitService(present(this.#store), blow)
    if (blow.kind === 'datanode' || blow.kind === 'namenode') {
      return await this.#hitService(present(this.#store), blow, blow.kind)
    }
    const index = await this.#anyAtWork()
    return blow.kind === 'kill' ? await this.#kill(index, blow) : await this.#pause(index, blow)
  }

  /** Lets the workers read and announce everything, ends them, and judges the lake. */
  async finish(): Promise<Verdict & { readonly discarded: number }> {
    const flow = present(this.#flow)
    const watch = present(this.#watch)
    await Promise.all(this.#zombies)
    const counts = await flow.stop()
    const troubles = await this.#drain(watch, counts)
    await this.#broker.kill()
    if (this.#options.lake === 'hdfs') await copyOut(this.#view().lake, judgedFolders, this.#lake)
    await this.#store?.kill()
    const verdict = await judgeLake(this.#lake, { counts, startMs: this.#startMs })
    const findings = [...troubles, ...verdict.findings]
    return { ...verdict, findings, discarded: watch.discardedCount }
  }

  /** @returns what went wrong: the lake is judged then all the same, as it stands. */
  async #drain(watch: LakeWatch, counts: readonly number[]): Promise<readonly string[]> {
    try {
      await untilThrough(watch, counts)
      present(this.#fleet).throwTroubles()
      await present(this.#fleet).drain()
      return []
    } catch (error) {
      await present(this.#fleet).kill()
      const trouble = error instanceof Error ? error.message : String(error)
      return [`${trouble}; of ${counts.join(' ')} records: ${watch.position}`]
    }
  }

  /** @returns the number of a worker that commits, by chance among those that do. */
  async #anyAtWork(): Promise<number> {
    const fleet = present(this.#fleet)
    return await eventually('a worker commits', commitMsMax, () => {
      fleet.throwTroubles()
      const atWork = [...fleet.places.entries()].filter(([, place]) => place.isAtWork)
      return atWork[this.#options.random.below(atWork.length)]?.[0]
    })
  }

  #view(): LakeView {
    if (this.#options.lake !== 'hdfs') return viewOfFolder(this.#lake)
    return viewOfHdfs(present(this.#store).address, hdfsFolder)
  }

  /** Nothing for a folder beside the configuration. */
  #lakeKey(): { readonly lake?: string } {
    const { lake } = this.#options
    if (lake === 'file') return {}
    const { address } = present(this.#store)
    const onHdfs = `{ url: "hdfs://${address}${hdfsFolder}", hdfs: { user: lakeward, blockSize: 128MiB } }`
    return { lake: lake === 'hdfs' ? onHdfs : bucketSection(address) }
  }

  #placeAt(index: number): Place {
    return present(this.#fleet?.places[index])
  }

  async #hitService(
    service: BrokerProcess | KilledService,
    blow: Blow,
    node?: 'datanode' | 'namenode',
  ): Promise<Blow> {
    await service.kill(node)
    await sleep(this.#options.random.below(serviceDownMsMax))
    for (const place of present(this.#fleet).places) place.markHit()
    await service.start()
    return blow
  }

  async #kill(index: number, blow: Blow): Promise<Blow> {
    const watch = present(this.#watch)
    const victim = this.#placeAt(index)
    const known = await watch.known()
    const writer = await victim.stopIn(blow.phase, watch, known)
    await victim.kill()
    return { ...blow, phase: await watch.phaseOf(writer, known) }
  }

  /**
   * A zombie: stopped for longer than its session, while others read on from where it stood, and
   * are hit as well. With a static assignment, which has no sessions, a second process takes its
   * share meanwhile.
   */
  async #pause(index: number, blow: Blow): Promise<Blow> {
    const watch = present(this.#watch)
    const zombie = this.#placeAt(index)
    const known = await watch.known()
    const writer = await zombie.stopIn(blow.phase, watch, known)
    zombie.markPaused()
    const overdue = sleep(sessionTimeoutMs * 1.25)
    const phase = await watch.phaseOf(writer, known)
    const isStatic = this.#options.assignment === 'static'
    const returned = isStatic ? this.#rivalled(index, overdue) : overdue.then(() => zombie.resume())
    if (isStatic) await returned
    else this.#zombies.push(returned)
    return { ...blow, phase }
  }

  /** The zombie comes back to a place that a rival has taken. */
  async #rivalled(index: number, overdue: Promise<void>): Promise<void> {
    const rival = this.#rivalOf(index)
    await rival.line('"event":"committed"')
    await overdue
    this.#placeAt(index).resume()
    await this.#endOneOf(this.#placeAt(index), rival)
  }

  /** A process that has the share of a supervised worker and knows nothing of it. */
  #rivalOf(index: number): LakewardProcess {
    const share = ['--worker-index', `${index}`, '--worker-count', `${this.#options.workerCount}`]
    const rival = new LakewardProcess(['run', '-c', this.#configPath, ...share])
    killAtExit(() => rival.signal('SIGKILL'))
    return rival
  }

  /** After both have run side by side for a while; the place then goes on with a supervised one. */
  async #endOneOf(zombie: Place, rival: LakewardProcess): Promise<void> {
    const { random } = this.#options
    await sleep(random.below(1_000))
    if (random.fraction() < 0.5) await zombie.kill()
    await rival.kill()
  }
}

/** A slow lake is no failure: what goes on is waited for, whatever it takes. */
async function untilThrough(watch: LakeWatch, counts: readonly number[]): Promise<void> {
  for (let before = ''; ; ) {
    const seen = await eventually('everything is committed and announced', quietMsMax, async () => {
      if (await watch.isThrough(counts)) return 'through'
      return watch.progress === before ? undefined : watch.progress
    })
    if (seen === 'through') return
    before = seen
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the round has not started')
  return value
}

/** Of a bucket's folder, with its keys in the environment of whoever is started. */
function bucketSection(endpoint: string): string {
  const { accessKeyId, secretAccessKey } = s3Credentials
  process.env['LAKE_ACCESS_KEY'] = accessKeyId
  process.env['LAKE_SECRET_KEY'] = secretAccessKey
  const keys = '{ accessKey: "env:LAKE_ACCESS_KEY", secretKey: "env:LAKE_SECRET_KEY" }'
  const server = `endpoint: "${endpoint}", region: us-east-1`
  return `{ url: "s3://lakeward/lake", ${server}, credentials: ${keys} }`
}

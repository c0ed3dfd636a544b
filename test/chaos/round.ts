/** One lake, its broker and workers, hit again and again, drained, and judged. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SimRandom } from '../sim/random.ts'
import { eventually } from '../support/eventually.ts'
import { judgeLake, type Verdict } from './checker.ts'
import { BrokerProcess } from './children.ts'
import { LakeWatch } from './lake-watch.ts'
import { NumberFlow } from './number-flow.ts'
import { type Assignment, hourMs, sessionTimeoutMs, writeChaosConfig } from './numbered.ts'
import type { Blow } from './plan.ts'
import { Worker } from './worker.ts'

const ageMs = 400 * 24 * hourMs
const drainMsMax = 180_000
const brokerDownMsMax = 500
const commitMsMax = 180_000

export interface RoundOptions {
  readonly folder: string
  readonly workerCount: number
  readonly assignment: Assignment
  readonly random: SimRandom
}

export class Round {
  readonly #options: RoundOptions
  readonly #lake: string
  readonly #broker: BrokerProcess
  readonly #startMs = Math.floor(Date.now() / hourMs) * hourMs - ageMs
  readonly #workers: Worker[] = []
  #configPath = ''
  #flow: NumberFlow | undefined
  #watch: LakeWatch | undefined

  constructor(options: RoundOptions) {
    this.#options = options
    this.#lake = join(options.folder, 'lake')
    this.#broker = new BrokerProcess(join(options.folder, 'broker'))
  }

  async start(): Promise<void> {
    const { folder, assignment, workerCount } = this.#options
    mkdirSync(this.#lake, { recursive: true })
    await this.#broker.start()
    const brokerPort = this.#broker.port
    this.#flow = new NumberFlow(brokerPort, this.#startMs)
    await this.#flow.start()
    this.#configPath = await writeChaosConfig(folder, { brokerPort, assignment })
    for (let index = 0; index < workerCount; index++) this.#workers.push(this.#newWorker(index))
    await this.#atWork(this.#workers)
    this.#watch = await LakeWatch.open(this.#lake)
  }

  /** @returns what was hit: the phase is the one that the process was found in. */
  async hit(blow: Blow): Promise<Blow> {
    if (blow.kind === 'broker') return await this.#hitBroker(blow)
    const index = await this.#anyAtWork()
    return blow.kind === 'kill' ? await this.#kill(index, blow) : await this.#pause(index, blow)
  }

  /** Lets the workers read and announce everything, ends them, and judges the lake. */
  async finish(): Promise<Verdict & { readonly discarded: number }> {
    const flow = present(this.#flow)
    const watch = present(this.#watch)
    const counts = await flow.stop()
    const troubles = await this.#drain(watch, counts)
    await this.#broker.kill()
    const verdict = await judgeLake(this.#lake, { counts, startMs: this.#startMs })
    const findings = [...troubles, ...verdict.findings]
    return { ...verdict, findings, discarded: watch.discardedCount }
  }

  /** @returns what went wrong: the lake is judged then all the same, as it stands. */
  async #drain(watch: LakeWatch, counts: readonly number[]): Promise<readonly string[]> {
    try {
      await eventually('everything is committed and announced', drainMsMax, async () =>
        (await watch.isThrough(counts)) ? true : undefined,
      )
      await Promise.all(this.#workers.map((worker) => worker.drain()))
      return []
    } catch (error) {
      await Promise.all(this.#workers.map((worker) => worker.kill()))
      const trouble = error instanceof Error ? error.message : String(error)
      return [`${trouble}; of ${counts.join(' ')} records: ${watch.position}`]
    }
  }

  #newWorker(index: number): Worker {
    const { folder, assignment, workerCount } = this.#options
    const share = ['--worker-index', `${index}`, '--worker-count', `${workerCount}`]
    const more = assignment === 'static' ? share : []
    return new Worker(folder, ['run', '-c', this.#configPath, ...more])
  }

  /** @throws {Error} a worker ended that nobody killed. */
  #throwTroubles(): void {
    const troubles = this.#workers.flatMap((worker) => worker.troubleText ?? [])
    if (troubles.length > 0) throw new Error(troubles.join('\n'))
  }

  #workerAt(index: number): Worker {
    return present(this.#workers[index])
  }

  /** @returns a worker that commits, by chance among those that do. */
  async #anyAtWork(): Promise<number> {
    return await eventually('a worker commits', commitMsMax, () => {
      this.#throwTroubles()
      const atWork = [...this.#workers.entries()].filter(([, worker]) => worker.isAtWork)
      return atWork[this.#options.random.below(atWork.length)]?.[0]
    })
  }

  async #atWork(workers: readonly Worker[]): Promise<void> {
    await eventually('each worker commits', commitMsMax, () =>
      workers.every((worker) => worker.isAtWork || worker.troubleText !== undefined)
        ? true
        : undefined,
    )
    this.#throwTroubles()
  }

  async #hitBroker(blow: Blow): Promise<Blow> {
    await this.#broker.kill()
    await sleep(this.#options.random.below(brokerDownMsMax))
    for (const worker of this.#workers) worker.markHit()
    await this.#broker.start()
    return blow
  }

  async #kill(index: number, blow: Blow): Promise<Blow> {
    const watch = present(this.#watch)
    const victim = this.#workerAt(index)
    const known = watch.known()
    const writer = await victim.stopIn(blow.phase, watch, known)
    await victim.kill()
    const phase = await watch.phaseOf(writer, known)
    this.#workers[index] = this.#newWorker(index)
    return { ...blow, phase }
  }

  /**
   * A zombie: stopped for longer than its session, while others read on from where it stood. With a
   * static assignment, which has no sessions, a second process takes the place meanwhile; both run
   * then, and one of the two is killed.
   */
  async #pause(index: number, blow: Blow): Promise<Blow> {
    const watch = present(this.#watch)
    const zombie = this.#workerAt(index)
    const known = watch.known()
    const writer = await zombie.stopIn(blow.phase, watch, known)
    const phase = await watch.phaseOf(writer, known)
    const overdue = sleep(sessionTimeoutMs * 1.25)
    zombie.markHit()
    if (this.#options.assignment === 'static') {
      const next = this.#newWorker(index)
      this.#workers[index] = next
      await this.#atWork([next])
    }
    await overdue
    zombie.goOn()
    if (this.#options.assignment === 'static') await this.#endOneOf(zombie, index)
    return { ...blow, phase }
  }

  /** The zombie, or the one that took its place, after both have run side by side for a while. */
  async #endOneOf(zombie: Worker, index: number): Promise<void> {
    const { random } = this.#options
    await sleep(random.below(1_000))
    if (random.fraction() < 0.5) return await zombie.kill()
    await this.#workerAt(index).kill()
    this.#workers[index] = zombie
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the round has not started')
  return value
}

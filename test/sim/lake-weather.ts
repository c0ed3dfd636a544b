/** What goes wrong between the processes of a world and their lake. */
import { present } from '../../src/base/assert.ts'
import { durationMs } from '../../src/base/time.ts'
import type { ProcessWorld, SimProcess } from './daemon-process.ts'
import { type LakeFault, SimLake } from './lake.ts'
import type { Life } from './life.ts'

const lostMoments = ['before-effect', 'after-effect', 'lands-late'] as const
const lostKinds = [
  ['lake-request-lost', 'before-effect'],
  ['lake-answer-lost', 'after-effect'],
  ['lake-lands-late', 'lands-late'],
] as const
const leaseMs = 8_000
const meetingMsMax = 2_500
/** A slow write, for cleaners to come to the staging folder meanwhile. */
const journalMsMax = 150

/** Steps of a process's calls until it is killed in one. */
export interface Doom {
  /** Which calls count; undefined counts all. */
  readonly operation: string | undefined
  stepsLeft: number
}

interface Refused {
  readonly table: string
  readonly operations: readonly string[]
  readonly untilMs: number
}

/** What all processes of a world meet on their lake. */
export class LakeWeather {
  #throttledUntilMs = 0
  #refused: Refused = { table: '', operations: [], untilMs: 0 }
  /** By path, until when. */
  readonly #leases = new Map<string, number>()
  #waiting: (() => void) | undefined

  /** A table takes no files from anybody for a while. */
  refuse(refused: Refused): void {
    this.#refused = refused
  }

  throttle(untilMs: number): void {
    this.#throttledUntilMs = untilMs
  }

  hold(path: string, untilMs: number): void {
    this.#leases.set(path, untilMs)
  }

  refusal(operation: string, path: string, nowMs: number): ReturnType<RefusalOf> {
    const { table, operations, untilMs } = this.#refused
    // Joining a tail is how a file that grows is published.
    const deed = operation === 'join' ? 'publish' : operation
    const isFile = operations.includes(deed) && path.startsWith(`${table}/`)
    if (isFile && nowMs < untilMs) {
      return { code: 'LAKE_REFUSED', reason: 'quota' }
    }
    if (nowMs < this.#throttledUntilMs) return { code: 'LAKE_UNAVAILABLE', reason: 'slow down' }
    if (operation !== 'stage' || nowMs >= (this.#leases.get(path) ?? 0)) return undefined
    return { code: 'LAKE_UNAVAILABLE', reason: 'somebody holds its lease' }
  }

  /** Resolves when another one comes, or after a while. @returns true when one came. */
  async meet(sleep: (spanMs: number) => Promise<void>): Promise<boolean> {
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      waiting()
      return true
    }
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const met = (): void => resolve(true)
    this.#waiting = met
    void sleep(meetingMsMax).then(() => {
      if (this.#waiting === met) this.#waiting = undefined
      resolve(false)
    })
    return promise
  }
}

const conflict = { code: 'LAKE_UNAVAILABLE', reason: '409 ConditionalRequestConflict' } as const

type RefusalOf = NonNullable<NonNullable<ConstructorParameters<typeof SimLake>[0]>['refusal']>

const isEntry = (operation: string, path: string): boolean =>
  operation === 'putIfAbsent' && path.includes('/log/')

const isJournal = (operation: string, path: string): boolean =>
  operation === 'putIfAbsent' && path.includes('/_staging/')

/** A stream's own: that of what it spilled stands elsewhere. */
const isPartition = (folder: string): boolean => /^\w+\/dt=[^/]+\/hour=\d+$/.test(folder)

/** One process's way to the lake. */
export function wildLake(world: ProcessWorld, life: Life, process: () => SimProcess): SimLake {
  const { random, clock, store, weather, plan } = world
  const faultNow = (operation: string, path: string): LakeFault['moment'] | undefined => {
    const { isCutOff, losesPutAnswers } = process()
    if (isCutOff || (losesPutAnswers && isEntry(operation, path))) {
      return present(lostMoments[random.below(3)], 'a moment')
    }
    if (operation === 'stage' && plan.lake === 'hdfs' && world.strikes('lake-lease', 0.8)) {
      weather.hold(path, clock.monotonicMs() + leaseMs)
      return 'before-effect'
    }
    return lostKinds.find(([kind]) => world.strikes(kind, 0.015))?.[1]
  }
  const lake = new SimLake({
    kind: plan.lake,
    clock,
    store,
    faultNow,
    awake: () => life.awake(),
    listsInPages: () => {
      process().pagesLeft = world.strikes('lake-list-in-pages', 0.4) ? 2 : 0
      return process().pagesLeft > 0
    },
    before: async (operation, path, body) => {
      if (operation === 'list' && isPartition(path) && world.strikes('late-while-listed', 0.7)) {
        world.writeLate(path)
        await clock.sleep(durationMs(1_000 + random.below(4_000)))
      }
      if (isJournal(operation, path) && world.strikes('cleaned-while-staged', 0.4)) {
        await world.cleanBeside()
        await clock.sleep(durationMs(random.below(journalMsMax)))
      }
      if (!isEntry(operation, path)) return
      process().puttingAt = Number(/(\d+)\.json$/.exec(path)?.[1])
      if (world.processCount < 2) return
      // What is announced was decided before: most goes wrong where time passes in between.
      const announces = body !== undefined && Buffer.from(body).includes('"kind":"ready"')
      if (announces && world.strikes('put-after-a-pause', 0.6)) {
        await clock.sleep(durationMs(random.below(6_000)))
      }
      if (world.strikes('puts-at-once', 0.6)) {
        await weather.meet((spanMs) => clock.sleep(durationMs(spanMs)))
      }
    },
    refusal: (operation, path) => {
      const nowMs = clock.monotonicMs()
      if (world.strikes('lake-throttled', 0.01)) weather.throttle(nowMs + random.below(4_000))
      const isConditional = plan.lake === 's3' && operation === 'putIfAbsent'
      if (isConditional && world.strikes('s3-put-conflict', 0.2)) return conflict
      return weather.refusal(operation, path, nowMs)
    },
    asksAgain: (operation) => {
      if (plan.lake !== 's3') return false
      return world.strikes(
        operation === 'publish' ? 's3-own-file-stands' : 's3-own-put-stands',
        0.1,
      )
    },
    latencyMs: (operation, path) => latencyMs(world, process(), operation, path),
  })
  lake.landsAfterDeath = () => random.fraction() < 0.5
  return lake
}

function latencyMs(
  world: ProcessWorld,
  process: SimProcess,
  operation: string,
  path: string,
): number {
  const { random } = world
  const { doom } = process
  if (doom !== undefined && (doom.operation === undefined || doom.operation === operation)) {
    doom.stepsLeft -= 1
    if (doom.stepsLeft === 0) world.onDoom(process)
  }
  if (!world.isWild) return 1
  if (operation === 'list' && process.pagesLeft > 0) return random.below(1_500)
  const readsClock = operation === 'put' && path.includes('/clock/')
  if (readsClock && world.strikes('put-after-a-pause', 0.15)) return 1_000 + random.below(6_000)
  return random.below(world.strikes('lake-slow', 0.02) ? 12_000 : 40)
}

import { beforeEach, describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { CommitLoop, type CommitSteps } from '../../../src/daemon/commit-loop.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { CommitOutcome, SealedCommit } from '../../../src/model/sealed-commit.ts'
import type { Random } from '../../../src/ports/random.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'

/** Chance that is told by hand: nothing of it comes by itself. */
class HandRandom implements Random {
  next = 0
  fraction(): number {
    return this.next
  }
  bytes(count: number): Uint8Array {
    return new Uint8Array(count)
  }
}

const intervalMs = durationMs(60_000)
const sealed: SealedCommit = {
  commitId: commitIdOf(writerId('00'.repeat(16)), 0),
  ranges: [],
  places: [],
  configVersion: 1,
  files: [],
  counts: [],
  progress: [],
  evidence: [],
  unknownFields: [],
}

class Steps implements CommitSteps {
  /** Each step with the simulated second at which it began. */
  readonly told: string[] = []
  outcome: CommitOutcome = { kind: 'committed', entry: 1 }
  hasRows = true
  commitMs = 0
  refreshMs = 0
  readonly #clock: SimClock

  constructor(clock: SimClock) {
    this.#clock = clock
  }

  async refresh() {
    this.#tell('refresh')
    if (this.refreshMs > 0) await this.#clock.sleep(durationMs(this.refreshMs))
    return emptyFold()
  }

  async seal() {
    this.#tell('seal')
    return this.hasRows ? sealed : undefined
  }

  async commit(): Promise<CommitOutcome> {
    this.#tell('commit')
    if (this.commitMs > 0) await this.#clock.sleep(durationMs(this.commitMs))
    return this.outcome
  }

  async committed() {
    this.#tell('committed')
  }

  async followLog() {
    this.#tell('follow')
  }

  async startOver() {
    this.#tell('start over')
  }

  seconds(step: string): readonly number[] {
    return this.told.flatMap((told) => {
      const [name, at] = told.split(' at ')
      return name === step ? [Number(at)] : []
    })
  }

  #tell(step: string): void {
    this.told.push(`${step} at ${this.#clock.monotonicMs() / 1_000}`)
  }
}

let clock: SimClock
let steps: Steps
let telemetry: SimTelemetry
let random: HandRandom
let loop: CommitLoop

beforeEach(() => {
  clock = new SimClock()
  steps = new Steps(clock)
  telemetry = new SimTelemetry()
  random = new HandRandom()
  loop = placedAt(0.5)
})

/** A loop whose place is this share of the interval after now, and that is moved by no chance. */
function placedAt(fraction: number): CommitLoop {
  random.next = fraction
  const placed = new CommitLoop({ intervalMs, steps, clock, random, telemetry })
  random.next = 0
  return placed
}

const pass = (seconds: number): Promise<void> => clock.run(clock.sleep(durationMs(seconds * 1_000)))

describe('the loop', () => {
  test('commits once an interval, however long a commit takes', async () => {
    steps.commitMs = 20_000
    const run = loop.run()
    await pass(250)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([30, 90, 150, 210])
  })

  test('begins the next commit at once after one that took longer than an interval', async () => {
    steps.commitMs = 100_000
    const run = loop.run()
    await pass(300)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([30, 130, 230])
  })

  test('commits at a place of its own in the interval, moved a little each time', async () => {
    loop = placedAt(0.75)
    random.next = 0.5
    const run = loop.run()
    await pass(200)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([45, 106, 166])
  })

  test('commits at once when it is hurried, and again at its place', async () => {
    const run = loop.run()
    await pass(10)
    loop.hurry()
    loop.hurry()
    await pass(85)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([10, 30, 90])
  })

  test('hurried right before its place commits nothing of a moment there', async () => {
    const run = loop.run()
    await pass(28.5)
    loop.hurry()
    await pass(65)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([28.5, 90])
  })

  test('hurried while a commit is under way commits again right after it', async () => {
    steps.commitMs = 20_000
    const run = loop.run()
    await pass(35)
    loop.hurry()
    await pass(20)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([30, 50])
  })

  test('hurried until a commit takes along what is there commits that once', async () => {
    steps.refreshMs = 4_000
    const run = loop.run()
    await pass(10)
    loop.hurry()
    await pass(2)
    loop.hurry()
    await pass(40)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([14, 34])
  })

  test('hurried before it runs commits as soon as it does', async () => {
    loop.hurry()
    const run = loop.run()
    await pass(1)
    loop.stop()
    await clock.run(run)
    expect(steps.seconds('commit')).toEqual([0])
  })

  test('ends when it is stopped, asleep, at work or not begun', async () => {
    steps.commitMs = 20_000
    const asleep = loop.run()
    loop.stop()
    await clock.run(asleep)
    await clock.run(loop.run())
    expect(steps.told).toEqual([])
    loop = placedAt(0.5)
    const atWork = loop.run()
    await pass(35)
    loop.stop()
    await clock.run(atWork)
    expect(steps.seconds('committed')).toEqual([50])
  })

  test('ends with the error of a step', async () => {
    steps.committed = () => Promise.reject(new Error('a bug'))
    const run = loop.run()
    run.catch(() => {})
    await expect(clock.run(run)).rejects.toThrow('a bug')
  })
})

describe('a commit', () => {
  test('that was asked for waits for the one under way; who asks meanwhile shares it', async () => {
    steps.commitMs = 5_000
    const first = loop.commitNow()
    await pass(1)
    const waiting = [loop.commitNow(), loop.commitNow(), loop.commitNow()]
    await clock.run(Promise.all([first, ...waiting]))
    const cycle = ['refresh', 'seal', 'commit', 'committed', 'follow']
    expect(steps.told.map((told) => told.split(' at ')[0])).toEqual([...cycle, ...cycle])
    expect(steps.seconds('commit')).toEqual([0, 5])
  })

  test('of nothing is none', async () => {
    steps.hasRows = false
    await loop.commitNow()
    expect(steps.told).toEqual(['refresh at 0', 'seal at 0', 'follow at 0'])
    expect(loop.lastCommitMs).toBeUndefined()
  })

  test.each(['discarded', 'void'] as const)('that is %s has all start over', async (kind) => {
    steps.outcome = { kind, because: 'range-moved: somebody was faster' }
    await loop.commitNow()
    expect(steps.told.slice(2)).toEqual(['commit at 0', 'start over at 0'])
    expect(telemetry.values.get(`lakeward_commits_total outcome=${kind}`)).toBe(1)
    expect(loop.lastCommitMs).toBeUndefined()
  })

  test('follows none that threw: where that one stood is not known', async () => {
    steps.seal = () => Promise.reject(new Error('a bug'))
    const [one, other] = await Promise.allSettled([loop.commitNow(), loop.commitNow()])
    steps.seal = async () => sealed
    await expect(loop.commitNow()).rejects.toThrow('a bug')
    expect([one.status, other.status]).toEqual(['rejected', 'rejected'])
    expect(steps.seconds('commit')).toEqual([])
  })

  test('that contradicts itself is read again once, and once more after a good one', async () => {
    const malformed: CommitOutcome = { kind: 'discarded', because: 'malformed: counts' }
    steps.outcome = malformed
    await loop.commitNow()
    steps.outcome = { kind: 'committed', entry: 2 }
    await loop.commitNow()
    steps.outcome = malformed
    await loop.commitNow()
    await expect(loop.commitNow()).rejects.toThrow('malformed: counts')
    expect(steps.seconds('start over')).toHaveLength(2)
  })
})

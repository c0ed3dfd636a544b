import { describe, expect, it } from 'vitest'
import { ModuleStage } from '../../../src/etl/module-stage.ts'
import { ModuleStep } from '../../../src/etl/module-step.ts'
import { settled } from '../../../src/model/event-load.ts'
import type { ModuleRows } from '../../../src/model/module-rows.ts'
import type { EtlBatch, EtlModule, EtlOutcome } from '../../../src/ports/etl-module.ts'
import { loadOf, type TestLoad } from '../../support/detached-loads.ts'
import { utf8 } from '../../support/raw-events.ts'

const stream = { name: 'views', scheme: { by: 'hour', timezone: 'UTC' } } as const

/** Gives each event back as its one row, when it is let go on. */
class HeldModule implements EtlModule {
  readonly #held: (() => void)[] = []
  failure: Error | undefined

  async run(batch: EtlBatch): Promise<EtlOutcome> {
    await new Promise<void>((resolve) => this.#held.push(resolve))
    if (this.failure !== undefined) throw this.failure
    const rows = { rows: batch.payloads, rowNext: batch.payloadNext }
    const eventRowNext = Int32Array.from({ length: batch.count }, (_, event) => event + 1)
    return { kind: 'done', result: { ...rows, eventRowNext, failures: [] } }
  }

  async close(): Promise<void> {}

  /** Lets batches go on until nothing is held for a while of microtasks. */
  async letGo(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) {
      this.#held.shift()?.()
      await Promise.resolve()
    }
  }
}

function world(): {
  stage: ModuleStage
  module: HeldModule
  said: string[]
  broken: unknown[]
  take: (names: readonly string[], streamOf?: (event: number) => number) => TestLoad
} {
  const module = new HeldModule()
  const said: string[] = []
  const broken: unknown[] = []
  // The input's memory is that of the load under way.
  let memory: Uint8Array = new Uint8Array()
  const notUsed = (): never => {
    throw new Error('the stage only looks at the memory')
  }
  const input = {
    get u8(): Uint8Array {
      return memory
    },
    loadedBytes: 0,
    reserve: notUsed,
    load: notUsed,
    clear: notUsed,
    keep: notUsed,
    forgetKept: notUsed,
    keptBytes: 0,
    mark: notUsed,
    rewind: notUsed,
  }
  const stage = new ModuleStage({
    steps: new Map([[1, new ModuleStep(stream, module)]]),
    input,
    onRows: ({ rows, stream: index }: ModuleRows) =>
      void said.push(`${index}: ${Buffer.from(rows).toString()}`),
    onBroken: (error) => void broken.push(error),
  })
  const take = (names: readonly string[], streamOf = (_event: number) => 1): TestLoad => {
    const made = loadOf(
      names.map((name) => ({ value: utf8(name) })),
      streamOf,
    )
    memory = made.memory.u8
    stage.take(made.load)
    return made
  }
  return { stage, module, said, broken, take }
}

describe('ModuleStage', () => {
  it('takes the events of its streams only, and gives their rows back in the order they left', async () => {
    const { stage, module, said, take } = world()
    const { load } = take(['a', 'other', 'b', 'gone'], (event) => [1, 0, 1, settled][event] ?? 0)
    expect([...load.events.stream]).toEqual([settled, 0, settled, settled])
    const { memory } = take(['c'])
    memory.u8.fill(0)
    await module.letGo()
    await stage.drain()
    expect(said).toEqual(['1: ab', '1: c'])
    expect([...stage.inFlightByStream().values()]).toEqual([0])
  })

  it('is drained when every event that left is back, and not before', async () => {
    const { stage, module, said, take } = world()
    take(['a'])
    take(['b'])
    let drained = false
    const draining = stage.drain().then(() => {
      drained = true
      return said.length
    })
    expect([...stage.inFlightByStream().values()]).toEqual([2])
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    expect(drained).toBe(false)
    await module.letGo()
    expect(await draining).toBe(2)
  })

  it('hands over nothing of what left before a discard, and all of what leaves after it', async () => {
    const { stage, module, said, take } = world()
    take(['a'])
    stage.discard()
    take(['b'])
    await module.letGo()
    await stage.drain()
    expect(said).toEqual(['1: b'])
  })

  it('tells of a module that does not load again before it is drained', async () => {
    const { stage, module, said, broken, take } = world()
    module.failure = new Error('refused')
    take(['a'])
    await module.letGo()
    await stage.drain()
    expect(said).toEqual([])
    expect(broken).toEqual([module.failure])
  })
})

import { describe, expect, it } from 'vitest'
import { emptyReason, type ModuleOutput, ModuleStep } from '../../../src/etl/module-step.ts'
import type { EtlBatch, EtlModule, EtlOutcome } from '../../../src/ports/etl-module.ts'
import { detachedOf } from '../../support/detached-loads.ts'
import { utf8 } from '../../support/raw-events.ts'

const atMs = Date.UTC(2026, 10, 20, 13, 5)
const stream = { name: 'views', scheme: { by: 'hour', timezone: 'UTC' } } as const

/**
 * A module that doubles each payload. Events called "slow" or "crash" end the batch, "fail" fails,
 * "" is let go, "two" gives two rows.
 */
class FakeModule implements EtlModule {
  readonly batches: string[][] = []
  release: (() => void) | undefined

  async run(batch: EtlBatch): Promise<EtlOutcome> {
    const names = textsOf(batch.payloads, batch.payloadNext)
    this.batches.push(names)
    if (names.includes('hold')) await new Promise<void>((resolve) => (this.release = resolve))
    if (names.includes('slow')) return { kind: 'timed-out', limitMs: 2_000 }
    if (names.includes('crash')) return { kind: 'crashed', error: 'out of memory' }
    const rows = names.map((name) => (name === '' || name === 'fail' ? [] : rowsOf(name)))
    const flat = rows.flat()
    let size = 0
    let count = 0
    const failures = names.flatMap((name, event) => (name === 'fail' ? [failureAt(event)] : []))
    const result = {
      rows: utf8(flat.join('')),
      rowNext: Int32Array.from(flat.map((row) => (size += row.length))),
      eventRowNext: Int32Array.from(rows.map((each) => (count += each.length))),
      failures,
    }
    return { kind: 'done', result }
  }

  async close(): Promise<void> {}
}

const rowsOf = (name: string): string[] => (name === 'two' ? ['2', '22'] : [`${name}${name}`])
const failureAt = (event: number) => ({
  event,
  step: 'etl' as const,
  reason: 'etl-failed',
  error: 'TypeError: no',
  detail: 'TypeError at map',
})

function textsOf(bytes: Uint8Array, next: Int32Array): string[] {
  return Array.from(next, (end, at) =>
    Buffer.from(bytes.subarray(at === 0 ? 0 : next[at - 1], end)).toString(),
  )
}

const eventsOf = (names: readonly string[]) =>
  detachedOf(names.map((name) => ({ value: utf8(name), timestampMs: atMs })))

/** What became of each event: its rows, its letter's reason, or the reason it is filtered by. */
function fatesOf({ events, rows, rowNext, eventRowNext, letters }: ModuleOutput): string[] {
  const texts = textsOf(rows, rowNext)
  return Array.from({ length: events.load.events.count }, (_, event) => {
    const first = event === 0 ? 0 : (eventRowNext[event - 1] ?? 0)
    const own = texts.slice(first, eventRowNext[event])
    const letter = letters.get(event)
    if (letter !== undefined) return own.length === 0 ? letter.reason : 'two fates'
    return own.length === 0 ? emptyReason : own.join('+')
  })
}

const fateOf = (name: string): string => (name === '' ? emptyReason : rowsOf(name).join('+'))

async function fates(names: readonly string[]) {
  const module = new FakeModule()
  const output = await new ModuleStep(stream, module).submit(eventsOf(names))
  return { fates: fatesOf(output), batches: module.batches, output }
}

describe('ModuleStep', () => {
  it('gives each event its rows, its letter, or lets it go', async () => {
    const { fates: became, batches, output } = await fates(['a', '', 'two', 'fail', 'b'])
    expect(became).toEqual(['aa', 'etl-empty', '2+22', 'etl-failed', 'bb'])
    expect(batches).toHaveLength(1)
    expect(output.letters.get(3)).toMatchObject({
      stream: 'views',
      offset: 103n,
      value: utf8('fail'),
      eventTimeMs: atMs,
      step: 'etl',
      error: 'TypeError: no',
      partition: { path: 'dt=2026-11-20/hour=13' },
    })
  })

  it('finds the event that takes too long and keeps the others', async () => {
    const { fates: became, batches, output } = await fates(['a', 'slow', 'two', 'fail', '', 'b'])
    expect(became).toEqual(['aa', 'etl-timeout', '2+22', 'etl-failed', 'etl-empty', 'bb'])
    expect(batches.slice(1)).toEqual([['a'], ['slow'], ['two'], ['fail'], [''], ['b']])
    expect(output.letters.get(1)?.error).toContain('2000 ms')
  })

  it('finds the events that end the thread and keeps the others', async () => {
    const { fates: became, output } = await fates(['crash', 'a', 'crash'])
    expect(became).toEqual(['etl-failed', 'aa', 'etl-failed'])
    expect(output.letters.get(2)?.error).toBe('out of memory')
  })

  it('runs many events in parts, and again one by one only the part that ended badly', async () => {
    const names = Array.from({ length: 600 }, (_, at) => ['a', '', 'two', 'b'][at % 4] ?? '')
    names[300] = 'fail'
    names[400] = 'slow'
    const { fates: became, batches, output } = await fates(names)
    const wanted = names.map((name) =>
      name === 'slow' ? 'etl-timeout' : name === 'fail' ? 'etl-failed' : fateOf(name),
    )
    expect(became).toEqual(wanted)
    expect(batches.map((batch) => batch.length)).toEqual([
      256,
      256,
      ...Array.from({ length: 256 }, () => 1),
      88,
    ])
    expect(output.letters.get(300)).toMatchObject({ offset: 400n, reason: 'etl-failed' })
    expect(output.letters.get(400)).toMatchObject({ offset: 500n, reason: 'etl-timeout' })
  })

  it('does not run a lone event again that took too long', async () => {
    const { fates: became, batches } = await fates(['slow'])
    expect(became).toEqual(['etl-timeout'])
    expect(batches).toHaveLength(1)
  })

  it('settles batches in the order they were submitted and counts what is in flight', async () => {
    const module = new FakeModule()
    const step = new ModuleStep(stream, module)
    const settled: string[] = []
    const submitted = [['hold'], ['slow', 'a'], ['b']].map((names) => {
      const output = step.submit(eventsOf(names))
      return output.then(() => settled.push(names.join()))
    })
    expect(step.inFlightBytes).toBe(4 + 5 + 1)
    await Promise.resolve()
    await Promise.resolve()
    expect(settled).toEqual([])
    module.release?.()
    await step.drain()
    await Promise.all(submitted)
    expect(settled).toEqual(['hold', 'slow,a', 'b'])
    expect(step.inFlightBytes).toBe(0)
  })

  it('rejects with the fault of a module that does not load again, and goes on after it', async () => {
    const module = new FakeModule()
    const step = new ModuleStep(stream, module)
    const run = module.run.bind(module)
    module.run = () => Promise.reject(new Error('refused'))
    await expect(step.submit(eventsOf(['a']))).rejects.toThrow('refused')
    expect(step.inFlightBytes).toBe(0)
    module.run = run
    expect(fatesOf(await step.submit(eventsOf(['a'])))).toEqual(['aa'])
  })
})

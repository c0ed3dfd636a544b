/**
 * The `module` step of one stream: hands events to user code and says what became of each.
 *
 * - Batches are run one after the other: rows come out in the order the events went in.
 * - Events are run some hundreds at a time. When these take too long, or end the code's thread,
 *   they are run again event by event, so that only the event that does it is refused. Code with
 *   effects of its own may so see an event twice.
 */
import { assert, present } from '../base/assert.ts'
import { unixMs } from '../base/time.ts'
import type { DeadLetter } from '../model/dead-letter.ts'
import type { PartitionScheme } from '../model/lake-partition.ts'
import type { EtlFailure, EtlModule, EtlOutcome } from '../ports/etl-module.ts'
import { partitionAt } from '../protocol/calendar.ts'
import { letterOf } from '../protocol/letter.ts'
import type { DetachedEvents } from './detached-events.ts'
import { etlBatch } from './etl-batch.ts'
import { RowCollector } from './row-collector.ts'

/** Reason under which events are counted that a module made no row of. */
export const emptyReason = 'etl-empty'

/** What a module made of a batch. An event without rows and letter is filtered (`etl-empty`). */
export interface ModuleOutput {
  readonly events: DetachedEvents
  /** Wire bytes of all rows; row r ends at `rowNext[r]`, where the next starts. */
  readonly rows: Uint8Array
  readonly rowNext: Int32Array
  /** Rows of event i end before `eventRowNext[i]`, where those of the next event start. */
  readonly eventRowNext: Int32Array
  /** By index of the event. */
  readonly letters: ReadonlyMap<number, DeadLetter>
}

/** A stream as its module step sees it. */
export interface ModuleStream {
  readonly name: string
  readonly scheme: PartitionScheme
}

/**
 * Events that are run together. Few enough that running them again one by one costs little, and
 * that a slow module stays within its time; enough that the way to the thread and back is cheap.
 */
const runEventsMax = 256

/** A batch on its way. */
interface Running {
  readonly events: DetachedEvents
  readonly rows: RowCollector
  readonly letters: Map<number, DeadLetter>
}

export class ModuleStep {
  readonly #stream: ModuleStream
  readonly #module: EtlModule
  #last: Promise<unknown> = Promise.resolve()
  #inFlightBytes = 0

  constructor(stream: ModuleStream, module: EtlModule) {
    this.#stream = stream
    this.#module = module
  }

  /** Name of its stream. */
  get stream(): string {
    return this.#stream.name
  }

  /** Bytes of the events that were submitted and have no outcome yet. */
  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  /**
   * Runs the code on events. Promises are settled in the order of the calls.
   * @throws {Fault} ETL_MODULE_REFUSED: the code does not load again after its thread ended.
   */
  submit(events: DetachedEvents): Promise<ModuleOutput> {
    assert(events.load.events.count > 0, 'a submitted batch has events')
    this.#inFlightBytes += events.memory.length
    const output = this.#last.then(() => this.#run(events))
    const settledOutput = output.finally(() => {
      this.#inFlightBytes -= events.memory.length
    })
    this.#last = settledOutput.catch(() => undefined)
    return settledOutput
  }

  /** Resolves when nothing is in flight. */
  async drain(): Promise<void> {
    await this.#last
  }

  async #run(events: DetachedEvents): Promise<ModuleOutput> {
    const { count } = events.load.events
    const running: Running = { events, rows: new RowCollector(count), letters: new Map() }
    for (let first = 0; first < count; first += runEventsMax) {
      await this.#runSome(running, first, Math.min(count, first + runEventsMax))
    }
    return { events, ...running.rows.take(), letters: running.letters }
  }

  /** Runs events `[first, next)` together, or one by one when that ends badly. */
  async #runSome(running: Running, first: number, next: number): Promise<void> {
    const together = await this.#module.run(etlBatch(running.events, first, next))
    if (together.kind === 'done' || next - first === 1) return this.#keep(running, first, together)
    for (let event = first; event < next; event++) {
      const alone = await this.#module.run(etlBatch(running.events, event, event + 1))
      this.#keep(running, event, alone)
    }
  }

  /** Keeps the outcome of a run that began with event `first`. */
  #keep({ events, rows, letters }: Running, first: number, outcome: EtlOutcome): void {
    for (const { event, ...cause } of failuresOf(outcome)) {
      letters.set(first + event, this.#letter(events, { ...cause, event: first + event }))
    }
    if (outcome.kind === 'done') rows.add(outcome.result)
    else rows.addNothing()
  }

  #letter({ load, memory }: DetachedEvents, { event, ...cause }: EtlFailure): DeadLetter {
    const eventTimeMs = present(load.events.eventTimeMs[event], 'a failed event is in its batch')
    const partition = partitionAt(unixMs(eventTimeMs), this.#stream.scheme)
    return letterOf({ load, event, memory, stream: this.#stream.name, partition }, cause)
  }
}

/** What went wrong; a run that ended badly was of one event. */
function failuresOf(outcome: EtlOutcome): readonly EtlFailure[] {
  switch (outcome.kind) {
    case 'done':
      return outcome.result.failures
    case 'timed-out': {
      const error = `the module took longer than ${outcome.limitMs} ms over this event`
      return [{ event: 0, step: 'etl', reason: 'etl-timeout', error, detail: '' }]
    }
    case 'crashed': {
      const { error } = outcome
      return [{ event: 0, step: 'etl', reason: 'etl-failed', error, detail: `thread: ${error}` }]
    }
  }
}

/**
 * The `module` step of one stream: hands events to user code and says what became of each.
 *
 * - Batches are run one after the other: rows come out in the order the events went in.
 * - A batch that takes too long, or ends the code's thread, is run again event by event, so that
 *   only the event that does it is refused. Code with effects of its own may so see an event twice.
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

export class ModuleStep {
  readonly #stream: ModuleStream
  readonly #module: EtlModule
  #last: Promise<unknown> = Promise.resolve()
  #inFlightBytes = 0

  constructor(stream: ModuleStream, module: EtlModule) {
    this.#stream = stream
    this.#module = module
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
    const whole = await this.#module.run(etlBatch(events, 0, count))
    if (whole.kind === 'done') {
      const { rows, rowNext, eventRowNext, failures } = whole.result
      const letters = new Map(failures.map((each) => [each.event, this.#letter(events, each)]))
      return { events, rows, rowNext, eventRowNext, letters }
    }
    const failed = count === 1 ? whole : undefined
    const collected = new RowCollector(count)
    const letters = new Map<number, DeadLetter>()
    for (let event = 0; event < count; event++) {
      const outcome = failed ?? (await this.#module.run(etlBatch(events, event, event + 1)))
      const failure = failureOf(outcome)
      if (failure !== undefined) letters.set(event, this.#letter(events, { ...failure, event }))
      collected.add(outcome.kind === 'done' ? outcome.result : undefined)
    }
    return { events, ...collected.take(), letters }
  }

  #letter({ load, memory }: DetachedEvents, { event, ...cause }: EtlFailure): DeadLetter {
    const eventTimeMs = present(load.events.eventTimeMs[event], 'a failed event is in its batch')
    const partition = partitionAt(unixMs(eventTimeMs), this.#stream.scheme)
    return letterOf({ load, event, memory, stream: this.#stream.name, partition }, cause)
  }
}

/** Why an event that was run alone has no rows, if something went wrong. */
function failureOf(outcome: EtlOutcome): EtlFailure | undefined {
  switch (outcome.kind) {
    case 'done':
      return outcome.result.failures[0]
    case 'timed-out': {
      const error = `the module took longer than ${outcome.limitMs} ms over this event`
      return { event: 0, step: 'etl', reason: 'etl-timeout', error, detail: '' }
    }
    case 'crashed': {
      const { error } = outcome
      return { event: 0, step: 'etl', reason: 'etl-failed', error, detail: `thread: ${error}` }
    }
  }
}

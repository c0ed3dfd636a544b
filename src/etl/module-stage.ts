/**
 * The `module` steps of all streams: events leave the load here and come back as rows later, in
 * the order they left.
 *
 * Invariants:
 * - after `discard` no row of what was in flight before comes back;
 * - after `drain` every event that left has its fate.
 */
import type { KernelInput } from '../kernel/kernel-input.ts'
import type { EventLoad } from '../model/event-load.ts'
import type { ModuleRows } from '../model/module-rows.ts'
import { detachEvents } from './detached-events.ts'
import type { ModuleStep } from './module-step.ts'

export interface ModuleStageParts {
  /** By index of the configured stream; streams without a module have no step. */
  readonly steps: ReadonlyMap<number, ModuleStep>
  readonly input: KernelInput
  readonly onRows: (rows: ModuleRows) => void
  /** The code does not load again, or a bug: what was in flight has no fate and never will. */
  readonly onBroken: (error: unknown) => void
}

export class ModuleStage {
  readonly #parts: ModuleStageParts
  #generation = 0
  #last: Promise<void> = Promise.resolve()

  constructor(parts: ModuleStageParts) {
    this.#parts = parts
  }

  /** Bytes of events whose rows are not back yet, by name of the stream. */
  inFlightByStream(): ReadonlyMap<string, number> {
    const steps = [...this.#parts.steps.values()]
    return new Map(steps.map((step) => [step.stream, step.inFlightBytes]))
  }

  /** Takes the events of streams with a module out of the load. */
  take(load: EventLoad): void {
    for (const [stream, step] of this.#parts.steps) {
      const events = detachEvents(load, this.#parts.input.u8, stream)
      if (events === undefined) continue
      const generation = this.#generation
      const rows = step.submit(events).then((output) => {
        if (generation !== this.#generation) return
        this.#parts.onRows({ ...output, ...events, stream })
      })
      this.#last = Promise.all([
        this.#last,
        rows.catch((error: unknown) => this.#parts.onBroken(error)),
      ]).then(() => undefined)
    }
  }

  /** Resolves when nothing is in flight. */
  async drain(): Promise<void> {
    await this.#last
  }

  /** Forgets what is in flight: its records are read again. */
  discard(): void {
    this.#generation += 1
  }
}

import type { ApiEvent } from '../adapters/http/api-server.ts'
import type { LogFields, Telemetry } from '../ports/telemetry.ts'

const fedEvents = new Set([
  'committed',
  'commit discarded',
  'commit void',
  'partition-announced',
  'partitions-skipped',
])

/** Passes commits and announcements on to who listens, as they are logged. */
export class EventFeed {
  readonly #listeners = new Set<(event: ApiEvent) => void>()

  /** Telemetry that logs as `telemetry` does and feeds the listeners. */
  over(telemetry: Telemetry): Telemetry {
    const { log, metrics } = telemetry
    return {
      metrics,
      log: {
        error: (event, fields) => log.error(event, fields),
        warn: (event, fields) => {
          this.#feed(event, fields)
          log.warn(event, fields)
        },
        info: (event, fields) => {
          this.#feed(event, fields)
          log.info(event, fields)
        },
      },
    }
  }

  readonly subscribe = (listener: (event: ApiEvent) => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #feed(event: string, fields: LogFields): void {
    if (!fedEvents.has(event)) return
    for (const listener of this.#listeners) listener({ event, fields })
  }
}

import type { Telemetry } from '../../src/ports/telemetry.ts'

/** Counts what is logged, by its name; keeps no metrics. */
export class SeenTelemetry implements Telemetry {
  readonly log: Telemetry['log']
  readonly metrics: Telemetry['metrics'] = { count: () => {}, gauge: () => {}, observe: () => {} }

  /** @param seen how often each name was logged: shared by all who count into it. */
  constructor(seen: Map<string, number>) {
    const count = (event: string): void => {
      seen.set(event, (seen.get(event) ?? 0) + 1)
    }
    this.log = { error: count, warn: count, info: count }
  }
}

import type { LogFields, Telemetry } from '../../src/ports/telemetry.ts'

/** Counts what is logged, by its name; keeps no metrics. */
export class SeenTelemetry implements Telemetry {
  readonly log: Telemetry['log']
  readonly metrics: Telemetry['metrics'] = { count: () => {}, gauge: () => {}, observe: () => {} }

  /**
   * @param seen how often each name was logged: shared by all who count into it.
   * @param onRefused told why a topic-partition stopped: nothing that is wanted is ever missing.
   */
  constructor(seen: Map<string, number>, onRefused: (told: string) => void = () => {}) {
    const count = (event: string): void => {
      seen.set(event, (seen.get(event) ?? 0) + 1)
    }
    const error = (event: string, { message }: LogFields): void => {
      count(event)
      if (event === 'topic-partition refused') onRefused(`refused: ${String(message)}`)
    }
    this.log = { error, warn: count, info: count }
  }
}

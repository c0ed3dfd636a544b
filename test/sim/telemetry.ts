import type { LogFields, Telemetry } from '../../src/ports/telemetry.ts'

export interface LoggedEvent {
  readonly level: 'error' | 'warn' | 'info'
  readonly event: string
  readonly fields: LogFields
}

/** Keeps what is logged; counts by name and labels. */
export class SimTelemetry implements Telemetry {
  readonly events: LoggedEvent[] = []
  readonly values = new Map<string, number>()
  readonly log: Telemetry['log'] = {
    error: (event, fields) => void this.events.push({ level: 'error', event, fields }),
    warn: (event, fields) => void this.events.push({ level: 'warn', event, fields }),
    info: (event, fields) => void this.events.push({ level: 'info', event, fields }),
  }
  readonly metrics: Telemetry['metrics'] = {
    count: (name, amount, labels = {}) => this.#add(name, amount, labels),
    gauge: (name, value, labels = {}) => {
      this.values.set(keyOf(name, labels), value)
    },
    observe: (name, value, labels = {}) => this.#add(name, value, labels),
  }

  #add(name: string, amount: number, labels: Readonly<Record<string, string>>): void {
    const key = keyOf(name, labels)
    this.values.set(key, (this.values.get(key) ?? 0) + amount)
  }
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
  [name, ...Object.entries(labels).map(([label, value]) => `${label}=${value}`)].join(' ')

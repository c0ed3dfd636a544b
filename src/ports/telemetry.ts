/** Structured logs: `event` is a stable name, fields say the facts. Nothing per record. */
export interface Logger {
  error(event: string, fields: LogFields): void
  warn(event: string, fields: LogFields): void
  info(event: string, fields: LogFields): void
}

export type LogFields = Readonly<Record<string, unknown>>

export type MetricLabels = Readonly<Record<string, string>>

/** Numbers for Prometheus. Names are those of docs/interfaces.md, section 6; labels are bounded. */
export interface Metrics {
  count(name: string, amount: number, labels?: MetricLabels): void
  gauge(name: string, value: number, labels?: MetricLabels): void
  observe(name: string, value: number, labels?: MetricLabels): void
}

export interface Telemetry {
  readonly log: Logger
  readonly metrics: Metrics
}

/**
 * Metrics for Prometheus. Names and labels are those of the table; another name is our own bug.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/, through `prom-client`.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { present } from '../../base/assert.ts'
import type { MetricLabels, Metrics } from '../../ports/telemetry.ts'
import { type MetricDefinition, metricsTable } from './metrics-table.ts'

type Metric = Counter | Gauge | Histogram

export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry()
  readonly #metrics: ReadonlyMap<string, Metric>
  readonly contentType = this.#registry.contentType

  constructor() {
    const metrics = Object.entries(metricsTable).map(
      ([name, definition]) => [name, this.#create(name, definition)] as const,
    )
    this.#metrics = new Map(metrics)
  }

  count(name: string, amount: number, labels: MetricLabels = {}): void {
    const metric = this.#metric(name)
    if (metric instanceof Counter) metric.inc(labels, amount)
  }

  gauge(name: string, value: number, labels: MetricLabels = {}): void {
    const metric = this.#metric(name)
    if (metric instanceof Gauge) metric.set(labels, value)
  }

  observe(name: string, value: number, labels: MetricLabels = {}): void {
    const metric = this.#metric(name)
    if (metric instanceof Histogram) metric.observe(labels, value)
  }

  /** The exposition, as `GET /metrics` answers it. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #metric(name: string): Metric {
    return present(this.#metrics.get(name), `metric "${name}" stands in the table`)
  }

  #create(name: string, definition: MetricDefinition): Metric {
    const { kind, help } = definition
    const options = { name, help, labelNames: [...definition.labels], registers: [this.#registry] }
    switch (kind) {
      case 'counter':
        return new Counter(options)
      case 'gauge':
        return new Gauge(options)
      case 'histogram':
        return new Histogram({ ...options, buckets: [...(definition.buckets ?? [])] })
    }
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { jsonLogger } from '../../../../src/adapters/telemetry/json-logger.ts'
import { metricsTable } from '../../../../src/adapters/telemetry/metrics-table.ts'
import { PrometheusMetrics } from '../../../../src/adapters/telemetry/prometheus.ts'
import { Fault } from '../../../../src/base/fault.ts'

test('a log line is one JSON object with event, level and facts', () => {
  const lines: string[] = []
  const log = jsonLogger('info', {}, (line) => lines.push(line))
  log.info('committed', { entry: 7, next: 9_007_199_254_740_993n })
  const [line = ''] = lines
  expect(line.endsWith('\n')).toBe(true)
  const { time, ...rest } = JSON.parse(line) as Record<string, unknown>
  expect(typeof time).toBe('string')
  expect(rest).toEqual({ level: 'info', event: 'committed', entry: 7, next: '9007199254740993' })
})

test('an error is told with its message, and a fault with its code and facts', () => {
  const lines: string[] = []
  const log = jsonLogger('warn', {}, (line) => lines.push(line))
  const facts = { operation: 'put', path: 'a/b', reason: 'reset' }
  const fault = new Fault('LAKE_UNAVAILABLE', facts)
  log.warn('delivery-failed', { error: fault })
  const { error } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  expect(error).toMatchObject({ message: fault.message, code: 'LAKE_UNAVAILABLE', facts })
})

test('a level keeps back what is less urgent', () => {
  const lines: string[] = []
  const log = jsonLogger('warn', {}, (line) => lines.push(line))
  log.info('committed', {})
  log.warn('commit discarded', {})
  expect(lines.length).toBe(1)
})

test('what is counted is exposed with its labels', async () => {
  const metrics = new PrometheusMetrics()
  metrics.count('lakeward_commits_total', 2, { outcome: 'committed' })
  metrics.gauge('lakeward_lag_records', 5, { topic: 'a', partition: '0' })
  metrics.observe('lakeward_commit_duration_seconds', 0.03)
  const text = await metrics.text()
  expect(text).toContain('lakeward_commits_total{outcome="committed"} 2')
  expect(text).toContain('lakeward_lag_records{topic="a",partition="0"} 5')
  expect(text).toContain('lakeward_commit_duration_seconds_bucket{le="0.05"} 1')
})

test('a metric that is not in the table is a bug that stops the process', () => {
  expect(() => new PrometheusMetrics().count('lakeward_typo_total', 1)).toThrow('in the table')
})

test('the table names every metric of the contract, and no other', () => {
  const contract = readFileSync('docs/interfaces.md', 'utf8')
  const named = new Set(
    [...contract.matchAll(/`(lakeward_[a-z_]+)(?:\{[^}]*\})?`/g)].map(([, name]) => name),
  )
  expect(named.size).toBeGreaterThan(10)
  expect(named).toEqual(new Set(Object.keys(metricsTable)))
})

test('every metric of the table is told by somebody', () => {
  const told = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('metrics-table.ts'))
    .map((name) => readFileSync(`src/${name}`, 'utf8'))
    .join('\n')
  const untold = Object.keys(metricsTable).filter((name) => !told.includes(`'${name}'`))
  expect(untold).toEqual([])
})

import { expect, test } from 'vitest'
import { mergeExpositions } from '../../../src/daemon/merged-metrics.ts'

const one = `# HELP lakeward_rows_total Rows by outcome.
# TYPE lakeward_rows_total counter
lakeward_rows_total{stage="etl",outcome="filtered"} 3

# HELP lakeward_open_writers Open files.
# TYPE lakeward_open_writers gauge
lakeward_open_writers 5
`
const other = `# HELP lakeward_open_writers Open files.
# TYPE lakeward_open_writers gauge
lakeward_open_writers 7
# HELP lakeward_seconds Seconds.
# TYPE lakeward_seconds histogram
lakeward_seconds_bucket{le="+Inf",name="a } b"} 2
lakeward_seconds_sum 0.25
`

test('each sample has its worker, each family its help and type once, its samples together', () => {
  const texts = new Map([
    [0, one],
    [1, other],
  ])
  expect(mergeExpositions(texts)).toBe(`# HELP lakeward_rows_total Rows by outcome.
# TYPE lakeward_rows_total counter
lakeward_rows_total{worker="0",stage="etl",outcome="filtered"} 3
# HELP lakeward_open_writers Open files.
# TYPE lakeward_open_writers gauge
lakeward_open_writers{worker="0"} 5
lakeward_open_writers{worker="1"} 7
# HELP lakeward_seconds Seconds.
# TYPE lakeward_seconds histogram
lakeward_seconds_bucket{worker="1",le="+Inf",name="a } b"} 2
lakeward_seconds_sum{worker="1"} 0.25
`)
})

test('of no worker there is nothing', () => {
  expect(mergeExpositions(new Map())).toBe('')
})

/**
 * Wire bytes → finished zstd Parquet file on one core: ours against pyarrow's writer, which need
 * not decode, and against protobufjs → parquetjs-lite.
 *
 *     npm run bench -- decode-parquet [--quick]
 *     npm run bench -- decode-parquet --proto F --message M --data F [--quick]
 *
 * Each way has a process of its own, is measured inside it around the work and leaves out its first
 * pass, so start-up is in no figure. Ours and the baselines take turns, the order is turned around
 * in every other pair, and a figure is the median of the pairs' ratios.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { appEventPayloads } from '../datasets/app-event-payloads.ts'
import { logLine } from '../datasets/log-line.ts'
import { narrow } from '../datasets/narrow.ts'
import { spanBatch } from '../datasets/span-batch.ts'
import { wide } from '../datasets/wide.ts'
import {
  commitText,
  loadText,
  machineText,
  type Placement,
  placementOn,
  thisMachine,
} from '../measure/machine.ts'
import { type BenchFlags, type BenchOutcome, MissingOutside, Misused } from '../measure/outcome.ts'
import { type CaseInput, datasetInput, inputText, namedInput } from './input.ts'
import {
  type CaseFigures,
  caseLines,
  figuresOf,
  missedBars,
  perMillion,
  recordFigures,
} from './report.ts'
import { CaseRunner, type Pair } from './sample.ts'

const datasets = [appEventPayloads, narrow, wide, logLine, spanBatch]
const pairCounts = { full: 5, quick: 2 }

/** @throws {Misused} for flags that do not go together, or files that are not as they are said. */
export async function benchDecodeParquet(flags: BenchFlags): Promise<BenchOutcome> {
  const { isQuick } = flags
  const inputs = inputsOf(flags)
  const baselines = baselineTexts()
  const placement = placementOn(1)
  const machine = thisMachine()
  console.log(`machine     ${machineText(machine)}, load ${loadText()}; ${placement.text}`)
  console.log(`pyarrow     ${baselines.pyarrow}`)
  console.log(`naive       ${baselines.naive}`)
  const all: CaseFigures[] = []
  for (const input of inputs()) {
    console.log(`\n${inputText(input)}\n            ${input.cardinalities}`)
    const pairs = await measurePairs(input, placement, isQuick)
    const figures = figuresOf(input, pairs)
    for (const line of caseLines(figures)) console.log(line)
    all.push(figures)
  }
  const context = { machine, baselines, placement: placement.text, commit: commitText() }
  if (isQuick) console.log('a quick run: few pairs, not recorded')
  else recordFigures(all, context)
  const report = {
    bench: 'decode-parquet',
    commit: context.commit,
    machine: machineText(machine),
    cases: all.map(caseOf),
  }
  return { report, missed: all.flatMap((figures) => missedBars(figures, isQuick)) }
}

function inputsOf({ values, isQuick }: BenchFlags): () => Iterable<CaseInput> {
  const { proto, message, data } = values
  if (proto !== undefined && message !== undefined && data !== undefined) {
    const input = namedInput({ proto, message, data })
    return () => [input]
  }
  if (proto !== undefined || message !== undefined || data !== undefined) {
    throw new Misused('--proto, --message and --data go together: name all three or none')
  }
  return function* () {
    for (const dataset of datasets) yield datasetInput(dataset, isQuick)
  }
}

/** A run of ours before the pairs writes the file for pyarrow; it is not counted. */
async function measurePairs(
  input: CaseInput,
  placement: Placement,
  isQuick: boolean,
): Promise<readonly Pair[]> {
  using runner = new CaseRunner(input, placement)
  await runner.ours()
  const pairs: Pair[] = []
  while (pairs.length < (isQuick ? pairCounts.quick : pairCounts.full)) {
    const pair = await runner.pair(pairs.length % 2 === 1)
    pairs.push(pair)
    const { ours, pyarrow, naive } = pair
    console.log(
      `pair ${String(pairs.length).padStart(2)}     CPU-s per million: ` +
        `ours ${perMillion(ours).toFixed(3)}, pyarrow ${perMillion(pyarrow).toFixed(3)}, ` +
        `naive ${perMillion(naive).toFixed(1)}, load ${loadText()}`,
    )
  }
  return pairs
}

const caseOf = (figures: CaseFigures) => ({
  name: `${figures.input.name}/zstd-1`,
  rowsPerSecond: Math.round(1e6 / figures.oursPerMillion.median),
  cpuSecondsPerMillion: figures.oursPerMillion.median,
  peakRssBytes: figures.peakRssBytes,
  outputBytes: figures.outputBytes,
  outputToPyarrow: figures.sizeToPyarrow,
  ratios: { pyarrow: figures.pyarrowRatio.median, naive: figures.naiveRatio.median },
})

/** Names, versions and settings of the baselines. @throws {MissingOutside} */
function baselineTexts(): { readonly naive: string; readonly pyarrow: string } {
  const python = process.env['LAKEWARD_PYTHON'] ?? 'python3'
  const asked = spawnSync(python, ['-c', 'import pyarrow; print(pyarrow.__version__)'], {
    encoding: 'utf8',
  })
  if (asked.status !== 0) {
    throw new MissingOutside(
      `"${python}" has no pyarrow, which ours is compared with: name one that has, LAKEWARD_PYTHON=…`,
    )
  }
  const version = (name: string): string => {
    const path = join(import.meta.dirname, '..', '..', 'node_modules', name, 'package.json')
    return `${name} ${(JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version}`
  }
  return {
    naive: `${version('protobufjs')} + ${version('parquetjs-lite')}: snappy, row groups of 8,192 rows`,
    pyarrow: `pyarrow ${asked.stdout.trim()}: write_table only, zstd level 1, dictionaries, one thread`,
  }
}

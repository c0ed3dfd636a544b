import { resolve } from 'node:path'
import { jsonLogger } from '../../adapters/telemetry/json-logger.ts'
import type { Difference } from '../../demo/compare.ts'
import { type DemoResult, runDemo } from '../../demo/demo.ts'
import {
  type CommandDefinition,
  countOption,
  durationOption,
  exitCode,
  flagOption,
  textOption,
} from '../command.ts'

const differencesShownMax = 20

/** `lakeward demo`: the whole thing on embedded parts, to watch and to try. */
export const command: CommandDefinition = {
  options: [
    {
      flags: '--folder <path>',
      description: 'where it leaves its things',
      default: 'lakeward-demo',
    },
    { flags: '--exit-when-ready', description: 'end after three announced hours, and compare' },
    { flags: '--for <span>', description: 'end after this time: 3m' },
    { flags: '--seed <n>', description: 'another seed makes other visitors' },
    { flags: '--hold <span>', description: 'keep back the last events of an hour: 20s' },
    { flags: '--verbose', description: 'the log of the daemon, too' },
  ],
  example: 'lakeward demo --exit-when-ready',
  run: async (invocation) => {
    const { output, files } = invocation
    const folder = resolve(textOption(invocation, 'folder'))
    const stop = invocation.stopSignal()
    const { result, differences } = await runDemo({
      folder,
      files,
      log: jsonLogger(flagOption(invocation, 'verbose') ? 'info' : 'error'),
      exitWhenReady: flagOption(invocation, 'exitWhenReady'),
      spanMs: durationOption(invocation, 'for'),
      seed: countOption(invocation, 'seed') ?? 1,
      holdMs: durationOption(invocation, 'hold'),
      signal: stop,
      say: (line) => (output.isJson ? output.progress(line) : output.answer({}, [line])),
    })
    const lines = [...verdictLines(result, differences), ...nextLines(folder, result)]
    output.answer(result, [...lines, JSON.stringify(result)])
    return differences.length === 0 ? exitCode.done : exitCode.failed
  },
}

function verdictLines(result: DemoResult, differences: readonly Difference[]): readonly string[] {
  const { produced, written, filtered, late, deadLettered } = result
  const counted =
    `${produced} events produced: ${written} written, ${filtered} filtered, ` +
    `${late} late, ${deadLettered} broken`
  if (differences.length === 0) return [counted, 'every cell of the ledger equals the log', '']
  const shown = differences.slice(0, differencesShownMax)
  return [
    counted,
    `${differences.length} cells differ from the ledger:`,
    ...shown.map(
      ({ stream, hour, what, produced: meant, counted: found }) =>
        `  ${stream} ${hour} ${what}: ledger ${meant}, log ${found}`,
    ),
    '',
  ]
}

/** What to try next, with names of what is really there. */
function nextLines(folder: string, { lake, manifests }: DemoResult): readonly string[] {
  const path = lake.slice('file:'.length)
  const config = `${folder}/lakeward.yaml`
  const glob = `${path}/page_views/**/*.parquet`
  const query = `SELECT dt, hour, count(*) FROM read_parquet('${glob}', hive_partitioning=true)`
  return [
    'what to try next',
    `  python3 -c "import duckdb; duckdb.sql(\\"${query} GROUP BY ALL ORDER BY ALL\\").show()"`,
    `  npx lakeward ready ls page_views -c ${config}`,
    `  npx lakeward verify --deep --allow-unchecked -c ${config}  # the broker has ended`,
    `  npx lakeward dlq ls -c ${config}`,
    ...manifests.slice(-1).map((manifest) => `  cat ${manifest}`),
    '',
  ]
}

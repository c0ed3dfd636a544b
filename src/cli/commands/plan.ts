import { present } from '../../base/assert.ts'
import { parseSize } from '../../base/units.ts'
import { loadConfig } from '../../daemon/config/load.ts'
import type { ResolvedConfig } from '../../daemon/config/resolved-config.ts'
import { memoryBoundsOf } from '../../daemon/memory-bounds.ts'
import {
  type CostFacts,
  costOfDay,
  type DayOfCosts,
  measured,
  overLimits,
  type PlannedStream,
  prices,
} from '../../protocol/cost-plan.ts'
import {
  type CommandDefinition,
  configOption,
  countOption,
  exitCode,
  type Invocation,
  refusal,
  shardOption,
  textOption,
} from '../command.ts'
import { alignedRows } from '../output.ts'
import { shardAsked } from '../shards.ts'

/** `lakeward plan`: what a day at given rates comes to, and what is above a limit. */
export const command: CommandDefinition = {
  options: [
    configOption,
    shardOption,
    {
      flags: '--rate <rates>',
      description: 'events a second: of each stream, or "app_events=5000,page_views=20"',
    },
    { flags: '--event <size>', description: 'size of one event in its topic', default: '330B' },
    { flags: '--workers <count>', description: 'how many processes', default: '1' },
    {
      flags: '--partitions <count>',
      description: 'partitions of the lake that get rows of one commit',
      default: '2',
    },
  ],
  example: 'lakeward plan --rate 5000 --workers 4',
  run: async (invocation) => {
    const { output, files } = invocation
    const whole = await loadConfig(textOption(invocation, 'config'), files)
    const config = shardAsked(invocation, whole)
    const facts = factsOf(invocation, config)
    const day = costOfDay(facts)
    const over = overLimits(facts, day)
    const ok = over.length === 0
    output.answer({ ok, streams: facts.streams, day, over, measured, prices }, [
      ...alignedRows(dayRows(facts, day)),
      ...over.map(({ limit, text, remedy }) => `${output.paint.red(limit)}: ${text}; ${remedy}`),
    ])
    return ok ? exitCode.done : exitCode.failed
  },
}

const lakeKinds: Readonly<Record<string, CostFacts['lake']>> = { s3: 's3', hdfs: 'hdfs' }

function factsOf(invocation: Invocation, config: ResolvedConfig): CostFacts {
  const eventBytes = sizeOption(invocation, 'event')
  const rates = ratesOf(invocation, config)
  const shares = memoryBoundsOf(config).streams
  const streams = config.streams.map(({ name, file, scheme }): PlannedStream => {
    const eventsPerSecond = rates.get(name) ?? 0
    const shareBytes = present(shares.get(name), 'every stream has its share').bytesMax
    const partitionHours = scheme.by === 'hour' ? 1 : 24
    const { rollBytes, mode } = file
    const grows = mode === 'continue'
    return { name, eventsPerSecond, eventBytes, rollBytes, partitionHours, grows, shareBytes }
  })
  return {
    streams,
    workerCount: positive(invocation, 'workers'),
    commitIntervalMs: config.commit.interval,
    openPartitions: positive(invocation, 'partitions'),
    bufferBytes: config.memory.buffers,
    lake: lakeKinds[config.lake.url.split(':')[0] ?? ''] ?? 'folder',
  }
}

function sizeOption(invocation: Invocation, name: string): number {
  const given = textOption(invocation, name)
  const size = parseSize(given)
  if (size !== undefined && size > 0) return size
  throw refusal(invocation, `--${name}: "${given}" is not a size; accepted: 330B, 2KiB`)
}

function positive(invocation: Invocation, name: string): number {
  const count = countOption(invocation, name)
  if (count !== undefined && count > 0) return count
  throw refusal(invocation, `--${name}: at least 1`)
}

/** By stream; one number stands for each of them. */
function ratesOf(invocation: Invocation, config: ResolvedConfig): ReadonlyMap<string, number> {
  const given = textOption(invocation, 'rate')
  const names = config.streams.map(({ name }) => name)
  if (/^\d+(\.\d+)?$/.test(given)) return new Map(names.map((name) => [name, Number(given)]))
  const rates = new Map<string, number>()
  for (const part of given.split(',')) {
    const [, name = '', rate] = /^([^=]+)=(\d+(?:\.\d+)?)$/.exec(part) ?? []
    if (rate === undefined) {
      throw refusal(invocation, `--rate: "${part}" is not STREAM=EVENTS, nor one number`)
    }
    if (!names.includes(name)) {
      const known = names.join(', ')
      throw refusal(invocation, `--rate: stream "${name}" is not configured; known: ${known}`)
    }
    rates.set(name, Number(rate))
  }
  const left = names.filter((name) => !rates.has(name))
  if (left.length === 0) return rates
  throw refusal(invocation, `--rate lacks ${left.join(', ')}; 0 where nothing comes`)
}

function dayRows({ workerCount, lake }: CostFacts, day: DayOfCosts): readonly string[][] {
  const count = (value: number): string => Math.round(value).toLocaleString('en-US')
  const money = (dollars: number): string => `$${dollars.toFixed(2)}`
  const { dollars } = day
  const requests = [
    ['requests', `${count(day.writes)} that write, ${count(day.reads)} that read`],
    ['money', `${money(dollars.requests + dollars.cores)} a day: requests and cores`],
    ['', `${money(dollars.storageMonth)} a month to keep what one day brings`],
  ]
  return [
    ['events', `${count(day.events)} a day`],
    ['commits', `${count(day.commits)} of ${workerCount} workers`],
    ['files', `${count(day.files)}, ${count(day.fileBytes)} bytes each`],
    ...(day.tails === 0 ? [] : [['tails', `${count(day.tails)} that make a file longer`]]),
    ['lake', `${(day.lakeBytes / 1e9).toFixed(1)} GB a day`],
    ['cores', `${day.cores.toFixed(2)} on average`],
    ['memory', `${count(day.heldBytes)} bytes accumulate in one worker`],
    ...(lake === 'hdfs' ? [['namenode', namenodeText(day)]] : []),
    ...(lake === 's3' ? requests : [['money', `${money(dollars.cores)} a day: cores`]]),
  ]
}

function namenodeText({ namenodeCalls }: DayOfCosts): string {
  const aSecond = (namenodeCalls / 86_400).toFixed(1)
  return `${Math.round(namenodeCalls).toLocaleString('en-US')} calls a day, ${aSecond} a second`
}

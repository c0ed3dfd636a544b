/** What one entry of the log brought, made once more from the records it covers. */
import type { Exporter } from '../exporter/exporter.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { AppendEntry, AppendRange } from '../model/log-entry.ts'
import type { SealedCommit } from '../model/sealed-commit.ts'
import { sourceKey } from '../model/topic-partition.ts'
import { WriterSchemas } from '../parser/writer-schemas.ts'
import type { Source } from '../ports/source.ts'
import type { BrokerPart } from '../protocol/source-judgement.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import type { DaemonPorts } from './daemon-ports.ts'
import { buildPipeline, type Stages } from './pipeline.ts'
import { RangeReader } from './range-reader.ts'
import { SchemaDesk } from './schema-desk.ts'

/** What stages need that read something once more. */
export type ReadingPorts = Pick<
  DaemonPorts,
  'clock' | 'random' | 'telemetry' | 'modules' | 'deadLetterSchema' | 'schemaRegistry'
>

export interface ReadAgainParts {
  readonly config: ResolvedConfig
  readonly ports: ReadingPorts
  /** Not opened yet; closed after. It reads for nobody else. */
  readonly source: Source
  /** Aborted when whoever waits gives up. */
  readonly signal: AbortSignal
}

/** Ranges that hold records; start positions hold none. */
export const readRanges = ({ ranges }: AppendEntry): readonly AppendRange[] =>
  ranges.filter(({ first, next }) => first < next)

/**
 * What the brokers say of each range, in their order; undefined where they do not have the source.
 *
 * @throws {Fault} KAFKA_UNREACHABLE.
 */
export async function askRanges(
  source: Source,
  ranges: readonly AppendRange[],
): Promise<readonly (BrokerPart | undefined)[]> {
  const known = new Set((await source.metadata()).sources.map(sourceKey))
  const there = ranges.filter((range) => known.has(sourceKey(range.source)))
  const sources = there.map((range) => range.source)
  const starts = await source.offsetsAt(sources, 'earliest')
  const ends = await source.highWatermarks(sources)
  const epochs = await source.epochEnds(there.filter(({ leaderEpoch }) => leaderEpoch !== -1))
  return ranges.map(({ source: at }): BrokerPart | undefined => {
    const key = sourceKey(at)
    if (!known.has(key)) return undefined
    const range = { earliest: starts.get(key), end: ends.get(key) }
    return { source: at, ...range, epochEnd: epochs.get(key) }
  })
}

/**
 * Reads the ranges of an entry through the stages, as its writer did: what is late is what the log
 * below the entry says, and times are judged by when it was staged.
 *
 * The files say the commit that their rows are of. Times of ingestion are those of this reading.
 *
 * @param below the log below the entry.
 * @throws {Fault} `KAFKA_…`; what a module or the stages throw.
 */
export async function readAgain(
  parts: ReadAgainParts,
  entry: AppendEntry,
  below: FoldState,
): Promise<SealedCommit | undefined> {
  const { source, signal } = parts
  const { stages, reader } = stagesFor(parts, entry)
  stages.exporter.onFold(below)
  const stop = (): void => reader().fail(signal.reason)
  signal.addEventListener('abort', stop)
  try {
    await source.open(reader())
    await reader().done
    await source.stopFetching()
    return seal(stages.exporter, entry)
  } finally {
    signal.removeEventListener('abort', stop)
    await source.close()
  }
}

interface ReadingStages {
  readonly stages: Stages
  /** Stages and reader tell each other: whoever is told is there when the first record comes. */
  readonly reader: () => RangeReader
}

function stagesFor(parts: ReadAgainParts, entry: AppendEntry): ReadingStages {
  const { config, ports, source, signal } = parts
  const { clock, random } = ports
  const fail = (error: unknown): void => made.fail(error)
  const schemas = new WriterSchemas()
  const desk = new SchemaDesk({
    registry: ports.schemaRegistry,
    schemas,
    source,
    positions: () => stages.positions,
    clock,
    random,
    signal,
    isHeld: () => false,
    onError: fail,
  })
  const stages = buildPipeline(config, {
    ...ports,
    schemas,
    onSchemasMissing: (at, ids) => desk.want(at, ids),
    hashSeed: Buffer.from(random.bytes(8)).readBigUInt64LE(),
    bufferBytesMax: config.memory.buffers,
    nextCommitId: () => entry.commitId,
    lakeNowMs: () => entry.stagedAtMs,
    onModuleBroken: fail,
    onUnreadable: (_at, fault) => fail(fault),
  })
  const { intake, positions, modules } = stages
  const drain = (): Promise<void> => modules.drain()
  const ranges = readRanges(entry)
  const made = new RangeReader({ ranges, source, intake, positions, clock, drain })
  return { stages, reader: () => made }
}

/** Dead letters lie in the day of the commit that brought them. */
function seal(exporter: Exporter, entry: AppendEntry): SealedCommit | undefined {
  const letters = entry.places.find(({ stream }) => stream === deadLetterStream)
  const lakeNowMs = letters?.partition.startMs ?? entry.stagedAtMs
  return exporter.seal({ lakeNowMs, configVersion: entry.configVersion, evidence: [] })
}

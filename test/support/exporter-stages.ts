/** The stages of a pipeline, to be fed and sealed by hand. */
import { present } from '../../src/base/assert.ts'
import { unixMs } from '../../src/base/time.ts'
import { readParquetRows } from '../../src/codec/parquet/read-file.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { buildPipeline, type Stages } from '../../src/daemon/pipeline.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../src/model/ids.ts'
import { offset } from '../../src/model/offset.ts'
import type { SealedCommit, SealedFile } from '../../src/model/sealed-commit.ts'
import { WriterSchemas } from '../../src/parser/writer-schemas.ts'
import type { EtlModule } from '../../src/ports/etl-module.ts'
import type { FetchedBatches } from '../../src/ports/source.ts'
import { partitionAt } from '../../src/protocol/calendar.ts'
import { emptyFold } from '../../src/protocol/fold.ts'
import { SimClock } from '../sim/clock.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { deadLetterSchema, eventsMs, hourMs } from './lane-world.ts'

export const nowMs = eventsMs + 10 * hourMs
export const facts = { lakeNowMs: unixMs(nowMs), configVersion: 4, evidence: [] }
const hourly = { by: 'hour', timezone: 'UTC' } as const
export const pathOf = (atMs: number): string => partitionAt(unixMs(atMs), hourly).path

/** Keys of a stream: rows whose text is "skip" are filtered. */
export const skipping = `etl: [ { filter: { where: "text <> 'skip'", reason: skipped } } ]`

let ids = 0

export function openStages(
  config: ResolvedConfig,
  modules = new Map<number, EtlModule>(),
  bufferBytesMax = 16 * 1_024 * 1_024,
): Stages {
  ids = 0
  return buildPipeline(config, {
    clock: new SimClock(nowMs),
    telemetry: new SimTelemetry(),
    hashSeed: 1n,
    bufferBytesMax,
    deadLetterSchema: deadLetterSchema(),
    lakeNowMs: () => unixMs(nowMs),
    nextCommitId: () => commitIdOf(writerId('00'.repeat(16)), ids++),
    modules,
    schemas: new WriterSchemas(),
    onSchemasMissing: () => {},
    onModuleBroken: (error) => {
      throw error
    },
    onUnreadable: (_, fault) => {
      throw fault
    },
  })
}

export function take(stages: Stages, ...answer: FetchedBatches[]): void {
  for (const { source, fetchOffset } of answer) {
    const begin = { from: offset(fetchOffset), leaderEpoch: -1, resetEpoch: 0 }
    if (!stages.positions.has(source)) stages.positions.assign(source, begin)
  }
  stages.intake.take(answer, nowMs)
}

export const seal = (stages: Stages): SealedCommit =>
  present(stages.exporter.seal(facts), 'something accumulated')

export const rowsOf = ({ chunks }: SealedFile) => readParquetRows(Buffer.concat(chunks))

export const cellsOf = ({ counts }: SealedCommit) =>
  Object.fromEntries(
    counts.map(({ stream, partition, counts: { read, written, filtered, late, deadLettered } }) => [
      `${stream} ${partition.path}`,
      { read, written, filtered, late, deadLettered },
    ]),
  )

/** All up to the end of an hour is announced. */
export const announced = (stream: string, untilMs: number): FoldState => ({
  ...emptyFold(),
  streams: new Map([
    [stream, { progress: new Map(), partitions: new Map(), announcedNextMs: unixMs(untilMs) }],
  ]),
})

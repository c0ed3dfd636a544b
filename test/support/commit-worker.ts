/**
 * One writer of a local lake, as a process of its own that can be killed:
 *
 *     node commit-worker.ts <folder> <records> <partitions>
 *
 * Covers the records of every topic-partition from where the log says, and ends when all are
 * covered. It cares for no owner: several of them race for the same ranges.
 */
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { durationMs } from '../../src/base/time.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import { cleanStaging } from '../../src/committer/janitor.ts'
import { sourceKey } from '../../src/model/topic-partition.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { appendDraft, lane, sampleSource, sealedCommit, startRange, table } from './log-samples.ts'

const [folder = '', records = '0', partitionCount = '0'] = process.argv.slice(2)
const pipeline = 'growth'
const recordCount = Number(records)
const lake = new LocalLake(`file:${folder}`)
const random = new SystemRandom()
const telemetry = new SimTelemetry()
const options = { lake, pipeline, clock: new SystemClock(), random, telemetry, checkpointEvery: 7 }
const log = await openCommitLog(options)
const committer = new Committer({ ...options, log })

const nextOf = (partition: number): number | undefined => {
  const position = log.state.positions.get(lane)?.get(sourceKey(sampleSource(partition)))
  return position === undefined ? undefined : Number(position.next)
}

await committer.publishPending(durationMs(0))
for (;;) {
  const open = Array.from({ length: Number(partitionCount) }, (_, at) => at).filter(
    (at) => (nextOf(at) ?? 0) < recordCount,
  )
  const partition = open[Math.floor(random.fraction() * open.length)]
  if (partition === undefined) break
  const first = nextOf(partition)
  if (first === undefined) {
    await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(partition, 0)] }))
    continue
  }
  const next = Math.min(recordCount, first + 1 + Math.floor(random.fraction() * 5))
  const outcome = await committer.commit(sealedCommit(log.nextCommitId(), first, next, partition))
  process.stdout.write(`${outcome.kind}\n`)
  if (random.fraction() < 0.2) {
    await cleanStaging({ lake, log, pipeline, tables: [table], telemetry })
  }
}

/** Decided files whose uploads a rule of the bucket has aborted. */
import { expect, test } from 'vitest'
import { type CommitLogOptions, openCommitLog } from '../../../src/committer/commit-log.ts'
import { Committer } from '../../../src/committer/committer.ts'
import { findLost, giveUpLost, lostByPartition } from '../../../src/committer/give-up-lost.ts'
import type { Lake } from '../../../src/ports/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { FakeS3 } from '../../support/fake-s3.ts'
import { appendDraft, sealedCommit, startRange, stream } from '../../support/log-samples.ts'
import {
  HurriedClock,
  knowAsConditional,
  openTestS3Lake,
  s3Settings,
} from '../../support/s3-lakes.ts'

const optionsOn = (lake: Lake, seed: number): CommitLogOptions => ({
  lake,
  pipeline: 'growth',
  clock: new HurriedClock(),
  random: new SimRandom(seed),
  telemetry: new SimTelemetry(),
})

/** Two commits that are decided, of which nothing is published. */
async function decided(fake: FakeS3): Promise<void> {
  const lake = openTestS3Lake(s3Settings(fake.endpoint, fake.bucket, 'lake'), new HurriedClock())
  const options = optionsOn(lake, 1)
  const log = await openCommitLog(options)
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  lake.publish = async () => ({ kind: 'missing' })
  const committer = new Committer({ ...options, log })
  for (const [first, next] of [
    [0, 5],
    [5, 9],
  ] as const) {
    const sealed = sealedCommit(log.nextCommitId(), first, next)
    await expect(committer.commit(sealed)).rejects.toMatchObject({ code: 'LOG_FILE_GONE' })
  }
}

test('are found and given up though their tickets stand, and no other is', async () => {
  const fake = await FakeS3.start()
  knowAsConditional(fake, 'lake')
  await decided(fake)
  const [aborted] = fake.uploads.keys()
  fake.uploads.delete(aborted ?? '')
  const lake = openTestS3Lake(s3Settings(fake.endpoint, fake.bucket, 'lake'), new HurriedClock())
  const options = optionsOn(lake, 2)
  const log = await openCommitLog(options)
  const losses = lostByPartition(await findLost(lake, log))
  expect(losses).toMatchObject([
    { stream, files: [{ path: expect.stringMatching(/-1-0\.parquet$/) }] },
  ])
  const done = await giveUpLost(
    { lake, committer: new Committer({ ...options, log }), log },
    losses,
    'aborted',
  )
  expect(done).toMatchObject([{ kind: 'given-up' }])
  expect(await findLost(lake, log)).toEqual([])
  await fake.close()
})

/** Counts of later revisions, where late letters were taken in again between two of them. */
import { expect, test } from 'vitest'
import { checkRevisions } from '../../../src/audit/check-revisions.ts'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import { encodeManifest, manifestPathOf } from '../../../src/protocol/readiness-manifest.ts'
import { SimLake } from '../../sim/lake.ts'
import { sampleManifest } from '../../support/log-samples.ts'

const rest = { filtered: {}, deadLettered: {} }

/** The hour of the sample, of which a file comes with each revision. */
function revisionOf(
  revision: number,
  { written, late }: { readonly written: number; readonly late: number },
): ReadyManifest {
  const files = Array.from({ length: revision }, (_, at) => {
    return { path: `t/${at}.parquet`, bytes: 4, rows: 10, crc32c: '0a1b2c3d' }
  })
  const added = revision === 1 ? [] : [`t/${revision - 1}.parquet`]
  const counts = { ...rest, read: written + late, written, late, lateAppended: written - 10 }
  return { ...sampleManifest(13, revision), files, added, counts, logEntry: 10 * revision }
}

async function findings(
  all: readonly { readonly written: number; readonly late: number }[],
): Promise<readonly string[]> {
  const lake = new SimLake()
  const manifests = all.map((counts, at) => revisionOf(at + 1, counts))
  for (const manifest of manifests) {
    await lake.put(manifestPathOf(manifest), encodeManifest(manifest))
  }
  const last = manifests.at(-1)
  if (last === undefined) throw new Error('there is a revision')
  return (await checkRevisions(lake, last)).findings
}

test('late events that were taken in again are late no more, and nothing is wrong', async () => {
  const revisions = [
    { written: 10, late: 0 },
    { written: 12, late: 3 },
    { written: 15, late: 0 },
  ]
  expect(await findings(revisions)).toEqual([])
})

test('late events that nothing came of were taken back', async () => {
  const revisions = [
    { written: 10, late: 3 },
    { written: 11, late: 1 },
  ]
  const id = revisionOf(2, { written: 11, late: 1 }).id
  expect(await findings(revisions)).toEqual([
    `${id} counts 12 read, the one before 13`,
    `${id} counts 1 late, the one before 3`,
  ])
})

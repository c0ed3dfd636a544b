/**
 * A manifest that somebody presents, from a webhook, a topic or a `_SUCCESS`: whether it is what
 * the log on the lake announced, and whether that stands.
 */
import { unixMs } from '../base/time.ts'
import { parseManifest } from '../codec/log/manifest.ts'
import { withClosedBack } from '../committer/closed-lists.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import { type LakePartition, partitionPath } from '../model/lake-partition.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Lake } from '../ports/lake.ts'
import { manifestPathOf, manifestText } from '../protocol/readiness-manifest.ts'
import { Check, type CheckResult } from './check.ts'
import { type ManifestFacts, verifyManifest } from './verify-manifest.ts'

export interface PresentedFacts extends Omit<ManifestFacts, 'pipeline' | 'folded'> {
  /** Of the log of the manifest's pipeline. */
  readonly state: FoldState
}

/** @throws {Fault} `LAKE_…`; `LOG_…`: the log cannot be read. */
export async function verifyPresented(facts: PresentedFacts): Promise<readonly CheckResult[]> {
  const { lake, manifest } = facts
  const { pipeline } = manifest
  const folded = await foldedOf(facts)
  const known = folded && (await announcedAs(lake, folded, manifest))
  const presented = checkPresented(manifest, known, folded)
  if (folded === undefined || known === undefined) return [presented]
  return [presented, ...(await verifyManifest({ ...facts, pipeline, manifest: known, folded }))]
}

/** The partition as the log has it, also if it was closed. */
async function foldedOf({ lake, state, manifest }: PresentedFacts) {
  const { pipeline, stream } = manifest
  const path = partitionPath(manifest.partitionPath)
  // When it ends only the zone of its stream tells. Before all others: its list is looked for.
  const partition: LakePartition = { path, startMs: unixMs(0), nextMs: unixMs(0) }
  const whole = await withClosedBack({ lake, pipeline }, state, { stream, partition })
  return whole.streams.get(stream)?.partitions.get(path)
}

/** The same revision by the log; of an earlier one only the lake has it. */
async function announcedAs(
  lake: Lake,
  { manifest }: FoldedPartition,
  { revision }: ReadyManifest,
): Promise<ReadyManifest | undefined> {
  if (manifest === undefined || manifest.revision === revision) return manifest
  if (manifest.revision < revision) return undefined
  const bytes = await lake.read(manifestPathOf({ ...manifest, revision }))
  const parsed = bytes && parseManifest(bytes)
  return parsed?.kind === 'parsed' ? parsed.value : undefined
}

function checkPresented(
  presented: ReadyManifest,
  known: ReadyManifest | undefined,
  folded: FoldedPartition | undefined,
): CheckResult {
  const check = new Check('presented')
  const { id, revision, pipeline } = presented
  const newest = folded?.manifest?.revision
  if (known === undefined) {
    check.fail(`the log of pipeline "${pipeline}" on this lake has no such announcement`)
  } else {
    for (const finding of differences(presented, known)) check.fail(finding)
  }
  if (newest !== undefined && newest > revision) {
    check.fail(`revision ${newest} is announced, revision ${revision} is overtaken`)
  }
  return check.result(id)
}

/** The keys that say something else, each with both values. */
function differences(presented: ReadyManifest, known: ReadyManifest): readonly string[] {
  const [one, other] = [presented, known].map(
    (manifest) => JSON.parse(manifestText(manifest)) as Record<string, unknown>,
  )
  return Object.keys({ ...one, ...other }).flatMap((key) => {
    const [said, announced] = [one, other].map((at) => shown(at?.[key]))
    return said === announced ? [] : [`${key}: ${said} presented, ${announced} announced`]
  })
}

const shownMax = 200

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text
}

import { present } from '../base/assert.ts'
import { parseManifest } from '../codec/log/manifest.ts'
import type { AskedPartition } from '../committer/closed-lists.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import { partitionName } from '../protocol/calendar-text.ts'
import { manifestPathOf } from '../protocol/readiness-manifest.ts'
import { countOption, type Invocation, refusal } from './command.ts'
import type { Reading } from './reading.ts'

export type FoundAnnouncement =
  | {
      readonly kind: 'announced'
      readonly manifest: ReadyManifest
      readonly folded: FoldedPartition
    }
  /** `why` is a sentence without its full stop. */
  | { readonly kind: 'absent'; readonly why: string }

/**
 * The announcement in force, or the revision that `--revision` asks for.
 *
 * @throws {Fault} COMMAND_REFUSED: the revision is none; `LAKE_…`.
 */
export async function findAnnouncement(
  invocation: Invocation,
  { lake, config: { pipeline } }: Pick<Reading, 'lake' | 'config'>,
  { streams }: FoldState,
  { stream, partition }: AskedPartition,
): Promise<FoundAnnouncement> {
  const name = `"${stream}" ${partitionName(partition)}`
  const folded = streams.get(stream)?.partitions.get(partition.path)
  const revision = countOption(invocation, 'revision')
  if (revision === 0) throw refusal(invocation, '--revision 0: revisions begin with 1')
  if (folded?.manifest === undefined) {
    return { kind: 'absent', why: `${name} is not announced; lakeward why tells what it waits for` }
  }
  const manifest = present(folded.manifest, 'an announced partition has its manifest')
  if (revision === undefined || revision === manifest.revision) {
    return { kind: 'announced', manifest, folded }
  }
  const newest = manifest.revision
  if (revision > newest) {
    return { kind: 'absent', why: `${name} has no revision ${revision}, its newest is ${newest}` }
  }
  const path = manifestPathOf({ pipeline, stream, partitionPath: partition.path, revision })
  const bytes = await lake.read(path)
  if (bytes === undefined) return { kind: 'absent', why: `"${path}" is missing` }
  const parsed = parseManifest(bytes)
  if (parsed.kind === 'refused') {
    return { kind: 'absent', why: `"${path}" is no manifest: ${parsed.reason}` }
  }
  return { kind: 'announced', manifest: parsed.value, folded }
}

/** The option of commands about one revision. */
export const revisionOption = {
  flags: '--revision <n>',
  description: 'this revision; the newest when left out',
}

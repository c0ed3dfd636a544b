/** The revisions of a partition up to one of them: each tells what it adds to the one before. */
import { parseManifest } from '../codec/log/manifest.ts'
import { deadLetteredTotal, filteredTotal } from '../model/counts.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Lake } from '../ports/lake.ts'
import { manifestPathOf } from '../protocol/readiness-manifest.ts'
import { Check, type CheckResult, counted } from './check.ts'

/**
 * Reads the manifests of all earlier revisions and adds them up.
 *
 * @throws {Fault} `LAKE_…`
 */
export async function checkRevisions(lake: Lake, manifest: ReadyManifest): Promise<CheckResult> {
  const check = new Check('revisions')
  /** File by path, with the revision that named it first. */
  const named = new Map<string, number>()
  let before: ReadyManifest | undefined
  for (let revision = 1; revision <= manifest.revision; revision++) {
    const isLast = revision === manifest.revision
    const found = isLast ? manifest : await earlierOf(lake, { ...manifest, revision }, check)
    if (found === undefined) {
      before = undefined
      continue
    }
    if (revision === 1 || before !== undefined) {
      for (const finding of stepFindings(before, found, named)) check.fail(finding)
    }
    for (const { path } of found.files) if (!named.has(path)) named.set(path, revision)
    before = found
  }
  return check.result(counted(manifest.revision, 'revision'))
}

async function earlierOf(
  lake: Lake,
  wanted: ReadyManifest,
  check: Check,
): Promise<ReadyManifest | undefined> {
  const path = manifestPathOf(wanted)
  const bytes = await lake.read(path)
  if (bytes === undefined) {
    check.fail(`"${path}" is missing: what revision ${wanted.revision} named is not known`)
    return undefined
  }
  const parsed = parseManifest(bytes)
  if (parsed.kind === 'refused') {
    check.fail(`"${path}" is no manifest: ${parsed.reason}`)
    return undefined
  }
  const { stream, partitionPath, revision } = parsed.value
  const isThat = stream === wanted.stream && partitionPath === wanted.partitionPath
  if (isThat && revision === wanted.revision) return parsed.value
  check.fail(`"${path}" is of ${stream} ${partitionPath}, revision ${revision}`)
  return undefined
}

/** What a revision says it adds and takes away, against its files and those of the one before. */
function stepFindings(
  before: ReadyManifest | undefined,
  found: ReadyManifest,
  named: ReadonlyMap<string, number>,
): readonly string[] {
  const { id, revision, added, removed, files } = found
  const old = new Set(before?.files.map(({ path }) => path))
  const live = new Set(files.map(({ path }) => path))
  const fresh = revision === 1 ? [] : [...live].filter((path) => !old.has(path))
  const gone = [...old].filter((path) => !live.has(path))
  const told = new Set(added)
  return [
    ...added.flatMap((path) => {
      const first = named.get(path)
      return first === undefined ? [] : [`${id} adds "${path}", which revision ${first} named`]
    }),
    ...added.flatMap((path) => (live.has(path) ? [] : [`${id} adds "${path}", and lists it not`])),
    ...fresh.flatMap((path) => (told.has(path) ? [] : [`${id} lists "${path}", and adds it not`])),
    ...gone.flatMap((path) => {
      return removed.includes(path) ? [] : [`${id} drops "${path}", and does not say so`]
    }),
    ...countFindings(before, found),
  ]
}

/** Nothing that was counted once is taken back, but late events that were taken in again. */
function countFindings(before: ReadyManifest | undefined, found: ReadyManifest): readonly string[] {
  const { id, counts, logEntry } = found
  if (before === undefined) return []
  const fell = (['read', 'written', 'late', 'lateAppended'] as const).filter(
    (kind) => counts[kind] < before.counts[kind] - (kind === 'late' ? takenIn(before, found) : 0),
  )
  return [
    ...fell.map(
      (kind) => `${id} counts ${counts[kind]} ${kind}, the one before ${before.counts[kind]}`,
    ),
    ...(logEntry > before.logEntry
      ? []
      : [`${id} is of log entry ${logEntry}, the one before of ${before.logEntry}`]),
  ]
}

/** Events that came to another fate since: those of late letters are among them. */
function takenIn({ counts: before }: ReadyManifest, { counts }: ReadyManifest): number {
  const settled = (of: ReadyManifest['counts']): number =>
    of.written + filteredTotal(of) + deadLetteredTotal(of)
  return Math.max(0, settled(counts) - settled(before))
}

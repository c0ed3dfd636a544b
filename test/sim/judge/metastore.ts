/**
 * What a metastore shows in the end, and what was ever written to it, judged by the log: it shows
 * what the log announces, at the highest revision, and was told of nothing before it was so.
 */
import type { CatalogWrite, KeptPartition } from '../metastore.ts'
import type { Judged } from './lake-oracle.ts'
import type { JudgedLog } from './log.ts'
import type { Manifest } from './log-entry.ts'
import { entryAt, manifestAt } from './paths.ts'

/** What the judge is told of a metastore. */
export interface JudgedMetastore {
  readonly target: string
  readonly register: 'first-commit' | 'ready'
  /** Root of the lake as its readers reach it. */
  readonly root: string
  /** How long a call that was given up may still have its effect. */
  readonly lingersMs: number
  /** Of each table, the URL of its folder. */
  readonly tables: ReadonlyMap<string, { readonly location: string; readonly stream: string }>
  /** By table and path. */
  readonly partitions: ReadonlyMap<string, KeptPartition>
  readonly written: readonly CatalogWrite[]
}

interface Announced {
  readonly manifest: Manifest
  /** When its entry stood, as `store.firstSet` counts. */
  readonly decidedAt: number
}

export function wrongCatalog(judged: Judged, log: JudgedLog): readonly string[] {
  const { metastore } = judged
  if (metastore === undefined) return []
  const announced = announcedBy(judged, log)
  return [
    ...wrongShown(judged, metastore, announced),
    ...wrongWrites(judged, log, metastore, announced),
    ...wrongSayings(judged, log, metastore),
  ]
}

/** By table and path, the revisions in their order. */
function announcedBy({ store, pipeline }: Judged, { entries }: JudgedLog) {
  const announced = new Map<string, Announced[]>()
  for (const [index, { entry, decided }] of entries.entries()) {
    if (!decided || entry.kind !== 'ready') continue
    const decidedAt = store.firstSet.get(entryAt(pipeline, index)) ?? 0
    for (const manifest of entry.body.manifests) {
      const key = `${manifest.table}/${manifest.partitionPath}`
      announced.set(key, [...(announced.get(key) ?? []), { manifest, decidedAt }])
    }
  }
  return announced
}

/** All that was announced before everything had settled is there, and says what the log says. */
function wrongShown(
  { settledAtSet, pipeline }: Judged,
  { partitions, tables, root }: JudgedMetastore,
  announced: ReadonlyMap<string, readonly Announced[]>,
): readonly string[] {
  return [...announced].flatMap(([key, revisions]) => {
    const due = revisions.findLast(({ decidedAt }) => decidedAt <= settledAtSet)
    if (due === undefined) return []
    const shown = partitions.get(key)
    const { table, revision, stream } = due.manifest
    if (shown === undefined) return [`"${key}" is announced and not registered`]
    const home = tables.get(table)
    if (home?.location !== `${root}/${table}` || home.stream !== stream) {
      return [`table "${table}" is not as it should be`]
    }
    if (shown.revision === undefined || shown.revision < revision) {
      return [`"${key}" shows revision ${shown.revision} of ${revision}`]
    }
    const told = revisions.find(({ manifest }) => manifest.revision === shown.revision)
    if (told === undefined) return [`"${key}" shows revision ${shown.revision}, never announced`]
    const wanted = wantedOf(told.manifest, root, pipeline)
    const found = JSON.stringify([shown.location, shown.announced])
    return found === wanted ? [] : [`"${key}" says ${found}, the log ${wanted}`]
  })
}

const wantedOf = (manifest: Manifest, root: string, pipeline: string): string => {
  const { table, partitionPath, revision, rows, files } = manifest
  const bytes = files.reduce((sum, file) => sum + Number(file['bytes']), 0)
  const url = `${root}/${manifestAt(pipeline, manifest)}`
  const announced = { revision, rows, bytes, files: files.length, manifest: url }
  return JSON.stringify([`${root}/${table}/${partitionPath}`, announced])
}

/** First the entry, and of what is open first the file, then the partition. */
function wrongWrites(
  { store, unreadableFiles }: Judged,
  { entries }: JudgedLog,
  { written, register }: JudgedMetastore,
  announced: ReadonlyMap<string, readonly Announced[]>,
): readonly string[] {
  /** By table and path, when the first file of a decided entry stood there. */
  const stoodAt = new Map<string, number>()
  const stands = (path: string): void => {
    const key = path.replace(/\/[^/]*$/, '')
    const at = store.firstSet.get(path) ?? Number.POSITIVE_INFINITY
    stoodAt.set(key, Math.min(stoodAt.get(key) ?? at, at))
  }
  for (const { entry, decided } of entries) {
    if (!decided || (entry.kind !== 'append' && entry.kind !== 'swap')) continue
    for (const { path } of entry.body.files) stands(path)
  }
  // Of entries that nobody can read any more, and somebody could.
  for (const path of unreadableFiles) stands(path)
  return written.flatMap(({ table, path, revision, afterSet }) => {
    const key = `${table}/${path}`
    if (revision === 0) {
      if (register === 'ready') return [`"${key}" is registered before it is announced`]
      const isThere = (stoodAt.get(key) ?? Number.POSITIVE_INFINITY) <= afterSet
      return isThere ? [] : [`"${key}" is registered before a file of it stands`]
    }
    const told = announced.get(key)?.find(({ manifest }) => manifest.revision === revision)
    if (told === undefined) return [`"${key}" got revision ${revision}, never announced`]
    return told.decidedAt <= afterSet ? [] : [`"${key}" got ${revision} before it was decided`]
  })
}

/**
 * The log calls delivered what was written before, and only when nothing of an older revision can
 * come after it any more.
 */
function wrongSayings(
  { store, pipeline, deliverDeadlineMs }: Judged,
  { entries }: JudgedLog,
  { target, written, lingersMs }: JudgedMetastore,
): readonly string[] {
  const wrong: string[] = []
  /** The lake's clock at the newest announcement of each. */
  const readyMs = new Map<string, { readonly atMs: number; readonly key: string }>()
  for (const [index, { entry, decided }] of entries.entries()) {
    if (!decided) continue
    const path = entryAt(pipeline, index)
    const saidMs = store.firstHeld.get(path)?.modifiedMs ?? 0
    const saidAt = store.firstSet.get(path) ?? 0
    if (entry.kind === 'ready') {
      for (const { stream, table, partitionPath } of entry.body.manifests) {
        const key = `${table}/${partitionPath}`
        readyMs.set(`${stream} ${partitionPath}`, { atMs: saidMs, key })
      }
    }
    if (entry.kind !== 'delivered') continue
    for (const delivery of entry.deliveries) {
      if (delivery.target !== target) continue
      const name = `${delivery.stream} ${delivery.partitionPath}`
      const { atMs, key } = readyMs.get(name) ?? { atMs: Number.POSITIVE_INFINITY, key: '' }
      const isThere = written.some(
        ({ table, path: at, revision, afterSet }) =>
          `${table}/${at}` === key && revision >= delivery.revision && afterSet < saidAt,
      )
      if (!isThere) wrong.push(`${name} was never registered, delivered it says`)
      if (saidMs - atMs < deliverDeadlineMs + lingersMs) {
        wrong.push(`${name} is called registered while an older revision may still land`)
      }
    }
  }
  return wrong
}

/**
 * Files that grow: which may, and what their length on the lake says.
 *
 *     entry 7: f, 900 bytes --entry 9: f, 1,400 bytes, base 900--> a tail of 500 is joined
 *
 * Invariants:
 * - a file grows from exactly what the log says it is, so its lengths are those of its entries in
 *   their order, and each prefix of such a length is the file that its entry named;
 * - what an announcement names does not grow: readers were told its length.
 *
 * Source: docs/protocol.md, "Files that grow"; docs/adr/0026-files-that-continue.md.
 */
import { bytesBrought, type DataFile, type FileBase, rowsBrought } from '../model/data-file.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { AppendEntry } from '../model/log-entry.ts'
import { type BrokenReliance, broken } from './broken-reliance.ts'

/** A footer with each tail: with more of them than this, footers would outgrow the rows. */
export const growingTailsMax = 120

export type Growth =
  | { readonly kind: 'grows' }
  /** Why it cannot, for people. */
  | { readonly kind: 'closed'; readonly because: string }

/** Whether the file at a path can go on from `base`. */
export function growthOf(known: FoldedPartition | undefined, path: string, base: FileBase): Growth {
  const live = known?.files.find((file) => file.path === path)
  if (known === undefined || live === undefined) {
    return { kind: 'closed', because: `"${path}" is not live` }
  }
  const { sizeBytes, rowCount } = live
  if (sizeBytes !== base.sizeBytes || rowCount !== base.rowCount) {
    const both = `has ${sizeBytes} bytes and ${rowCount} rows`
    const wanted = `it goes on from ${base.sizeBytes} and ${base.rowCount}`
    return { kind: 'closed', because: `"${path}" ${both}, ${wanted}` }
  }
  if (known.place === 'open') return { kind: 'grows' }
  return { kind: 'closed', because: `"${path}" lies in an announced partition` }
}

/** Why a file that an append goes on with cannot be gone on with; undefined when all can. */
export function brokenGrowths(
  { streams }: FoldState,
  { body }: Pick<AppendEntry, 'body'>,
): BrokenReliance | undefined {
  const seen = new Set<string>()
  for (const file of body.files) {
    const { stream, partitionPath, path, base } = file
    if (base === undefined) continue
    if (seen.has(path)) return broken('malformed', `"${path}" grows twice`)
    seen.add(path)
    if (bytesBrought(file) <= 0 || rowsBrought(file) <= 0) {
      const both = `from ${base.sizeBytes} bytes and ${base.rowCount} rows`
      const after = `to ${file.sizeBytes} and ${file.rowCount}`
      return broken('malformed', `"${path}" grows ${both} ${after}`)
    }
    const growth = growthOf(streams.get(stream)?.partitions.get(partitionPath), path, base)
    if (growth.kind === 'closed') return broken('place-changed', growth.because)
  }
  return undefined
}

/** The files of a partition with those that an append brings: what grew stands in its place. */
export function withGrown(
  files: readonly DataFile[],
  brought: readonly DataFile[],
): readonly DataFile[] {
  const grown = new Map(
    brought.flatMap((file) => (file.base === undefined ? [] : [[file.path, file] as const])),
  )
  const before = files.map((file) => grown.get(file.path) ?? file)
  return [...before, ...brought.filter(({ base }) => base === undefined)]
}

/** A file, or as much of one as the log knows to stand. */
export interface StandingPart extends FileBase {
  readonly path: string
  /** CRC32C; not known of a part. */
  readonly crc32c?: string
}

/**
 * What stands of a partition's files as far as the log knows: of one that grows, what its first
 * tail is joined to that is not told as published; of others all or nothing. The newest commit is
 * hardly ever told as published: its tails would hide all rows before it.
 */
export function standingParts(
  { unpublished }: Pick<FoldState, 'unpublished'>,
  files: readonly DataFile[],
): readonly StandingPart[] {
  const waiting = new Map<string, DataFile>()
  for (const file of [...unpublished.values()].flatMap((commit) => commit.files)) {
    const known = waiting.get(file.path)
    if (known === undefined || file.sizeBytes < known.sizeBytes) waiting.set(file.path, file)
  }
  return files.flatMap(({ path, sizeBytes, rowCount, crc32c }): readonly StandingPart[] => {
    const first = waiting.get(path)
    if (first === undefined) return [{ path, sizeBytes, rowCount, crc32c }]
    return first.base === undefined ? [] : [{ path, ...first.base }]
  })
}

/** What a length on the lake says of a decided file that is to be published. */
export type LengthVerdict =
  /** It stands: as it is, or grown by what was decided after it. */
  | { readonly kind: 'stands' }
  /** It is too short for this tail: the one before it is to be joined first. */
  | { readonly kind: 'behind'; readonly earlier: DataFile }
  /** Nothing in the log explains it. */
  | { readonly kind: 'wrong' }

/**
 * - A length between this file's and the live one's is one that an entry gave it: tails are joined
 *   whole. Which lengths those were nobody remembers once they are published. One that is none of
 *   them is found by the next join, which wants exactly its base, or before the announcement.
 * - One tail behind is all that can be: none is made over a file whose commit is not published.
 *
 * @param foundBytes length of what stands at the file's path.
 */
export function judgeLength(
  { streams, unpublished }: FoldState,
  file: DataFile,
  foundBytes: number,
): LengthVerdict {
  const { stream, partitionPath, path, sizeBytes, base } = file
  if (foundBytes === sizeBytes) return { kind: 'stands' }
  const partition = streams.get(stream)?.partitions.get(partitionPath)
  const away = partition?.removed?.map((removed) => removed.file) ?? []
  const live = [...(partition?.files ?? []), ...away].find((other) => other.path === path)
  if (foundBytes > sizeBytes) {
    const isGrown = live?.base !== undefined && foundBytes <= live.sizeBytes
    return { kind: isGrown ? 'stands' : 'wrong' }
  }
  if (base === undefined || foundBytes >= base.sizeBytes) return { kind: 'wrong' }
  for (const { files } of unpublished.values()) {
    const earlier = files.find((one) => one.path === path && one.sizeBytes === base.sizeBytes)
    if (earlier !== undefined) return { kind: 'behind', earlier }
  }
  return { kind: 'wrong' }
}

/**
 * Cuts files back that grew by entries which were stepped over: nobody can say any more what their
 * last bytes are, and what those entries covered is read again.
 *
 *     log: f, 900 bytes   entry 9, stepped over: f, 1,400 bytes
 *     lake: f, 1,400 bytes ──the last 500 put aside──▶ f, 900 bytes
 *
 * Invariants:
 * - a folder is listed before the fold that it is compared with: a length is in the log before it
 *   is on the lake, so one that the log does not explain then was never decided;
 * - what stays is what the log names, by its checksum, and what is cut off is kept aside;
 * - a file that is too long does not grow: joining a tail finds another length than its base.
 *
 * Source: docs/protocol.md, "Operator's repairs"; docs/adr/0026-files-that-continue.md.
 */
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import { quarantinePath } from '../protocol/readiness-folder.ts'
import { crc32cText } from './checksum.ts'
import { type CommitLogOptions, openCommitLog } from './commit-log.ts'

/** Partitions whose folders are listed at the same time. */
const listedAtOnceMax = 16

/** A file that has more bytes than the log says. */
export interface LongerFile {
  readonly path: string
  readonly sizeBytes: number
  readonly foundBytes: number
}

export interface CutFile extends LongerFile {
  /** `kept`: it does not begin with what the log says, or went on changing; it stays as it is. */
  readonly kind: 'cut' | 'kept'
}

/**
 * Cuts every file back that has more bytes than the log says. After a crash it can be done again.
 * Daemons do not run: one that does not know of the stepping over may join a tail once more.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function cutBack(options: CommitLogOptions): Promise<readonly CutFile[]> {
  const { lake, pipeline } = options
  if (lake.tails === undefined) return []
  const log = await openCommitLog({ ...options, readOnly: true })
  const cut: CutFile[] = []
  for (const { file, foundBytes } of await longerFiles(lake, log)) {
    const { path, sizeBytes } = file
    const kind = await cutOne(lake, pipeline, { file, foundBytes })
    cut.push({ path, sizeBytes, foundBytes, kind })
  }
  return cut
}

/** Files of open partitions that have more bytes than the log says. */
export async function findLonger(lake: Lake, log: CommitLog): Promise<readonly LongerFile[]> {
  if (lake.tails === undefined) return []
  const longer = await longerFiles(lake, log)
  return longer.map(({ file: { path, sizeBytes }, foundBytes }) => ({
    path,
    sizeBytes,
    foundBytes,
  }))
}

interface Longer {
  readonly file: DataFile
  readonly foundBytes: number
}

async function longerFiles(lake: Lake, log: CommitLog): Promise<readonly Longer[]> {
  const listed = await listedSizes(lake, growable(await log.refresh()))
  return growable(await log.refresh()).flatMap((file) => {
    const foundBytes = listed.get(file.path)
    return foundBytes !== undefined && foundBytes > file.sizeBytes ? [{ file, foundBytes }] : []
  })
}

/** An announced file does not grow. */
function growable({ streams }: FoldState): readonly DataFile[] {
  const partitions = [...streams.values()].flatMap((stream) => [...stream.partitions.values()])
  return partitions.filter(({ place }) => place === 'open').flatMap(({ files }) => files)
}

async function listedSizes(
  lake: Lake,
  files: readonly DataFile[],
): Promise<ReadonlyMap<string, number>> {
  const folders = [...new Set(files.map((file) => `${file.table}/${file.partitionPath}`))]
  const sizes = new Map<string, number>()
  for (let first = 0; first < folders.length; first += listedAtOnceMax) {
    const some = folders.slice(first, first + listedAtOnceMax)
    const listed = await Promise.all(some.map((folder) => lake.list(folder)))
    for (const { path, sizeBytes } of listed.flat()) sizes.set(path, sizeBytes)
  }
  return sizes
}

async function cutOne(
  lake: Lake,
  pipeline: string,
  { file, foundBytes }: Longer,
): Promise<CutFile['kind']> {
  const { path, sizeBytes, crc32c } = file
  const bytes = await lake.read(path)
  if (bytes?.byteLength !== foundBytes) return 'kept'
  const stays = bytes.subarray(0, sizeBytes)
  if (crc32cText(stays) !== crc32c) return 'kept'
  const goes = bytes.subarray(sizeBytes)
  const aside = `${path}.from-${sizeBytes}-${crc32cText(goes)}`
  await lake.putIfAbsent(quarantinePath(pipeline, aside), goes)
  await lake.put(path, stays)
  return 'cut'
}

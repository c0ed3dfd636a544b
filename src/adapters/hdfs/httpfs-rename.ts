/**
 * RENAME as HttpFS has it: without options, answered with true or false.
 *
 * - False is said for four things, so what stands is looked at; the namenode lets one of racing
 *   renames to a name win here as well.
 * - Onto a folder it is true, and the file lies inside it: it is put back, and refused.
 * - Nothing is replaced in one step: what stands is removed before, and for a moment nothing does.
 */
import { Fault } from '../../base/fault.ts'
import type { HdfsFile } from './hdfs-files.ts'
import type { HdfsAnswer } from './hdfs-requests.ts'

/** What it is done with. */
export interface PlainFiles {
  look(path: string, operation: string): Promise<HdfsFile | undefined>
  remove(path: string, operation: string): Promise<boolean>
  renamePlainly(
    from: string,
    to: string,
    words: Omit<RenameWords, 'over'>,
  ): Promise<HdfsAnswer<boolean>>
}

/** How a file is renamed. */
export interface RenameWords {
  readonly operation: string
  readonly over: 'nothing' | 'anything'
  /** Once it is aborted nothing is renamed any more. */
  readonly signal?: AbortSignal | undefined
}

interface Renaming extends RenameWords {
  readonly from: string
  readonly to: string
}

/** Times that somebody puts another in its place. */
const roundsMax = 5

/** @returns as RENAME with options would answer. */
export async function renameByHttpfs(
  files: PlainFiles,
  { from, to, operation, over, signal }: Renaming,
): Promise<HdfsAnswer<void>> {
  for (let round = 1; ; round++) {
    const answer = await files.renamePlainly(from, to, { operation, signal })
    if (answer.kind !== 'answered') return answer
    const { repeated } = answer
    const standing = await files.look(to, operation)
    if (standing?.isFile === false) {
      const inside = `${to}/${from.slice(from.lastIndexOf('/') + 1)}`
      if (answer.value) await files.renamePlainly(inside, from, { operation })
      const reason = `rename destination "${to}" is a directory`
      throw new Fault('LAKE_REFUSED', { operation, path: from, reason })
    }
    if (answer.value) return { kind: 'answered', value: undefined, repeated }
    if (standing === undefined) return { kind: 'absent', repeated }
    if (over === 'nothing') return { kind: 'exists', repeated }
    if ((await files.look(from, operation)) === undefined) return { kind: 'absent', repeated }
    if (round === roundsMax) {
      const reason = `another stood at "${to}" ${roundsMax} times`
      throw new Fault('LAKE_UNAVAILABLE', { operation, path: from, reason })
    }
    await files.remove(to, operation)
  }
}

/**
 * What the rows of one commit say: in which order they stand, which stand twice, which offsets of
 * the commit's ranges have left a row or a dead letter.
 *
 * Ranges of commits do not overlap, so rows that lie within their commit's ranges cannot stand in
 * two commits: looking at one commit at a time finds every duplicate, whatever the table's size.
 * A replay has no ranges: its rows are of late letters, each of which one replay takes in.
 */

import { deadLetterStream } from '../model/dead-letter.ts'
import type { AppendEntry } from '../model/log-entry.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import { type Identities, type IdentityList, listAt } from './identities.ts'
import type { TakenLetters } from './taken-letters.ts'

/** Rows of one file, or of the dead letters of one stream. */
export interface FileIdentities {
  /** The stream they are of; of a dead letter the one it belongs to. */
  readonly stream: string
  readonly path: string
  readonly isLetters: boolean
  readonly identities: Identities
}

/** Rows that must not be: outside of what the commit covers, or there twice. */
export interface IdentityFindings {
  readonly stream: string
  readonly duplicates: readonly string[]
  readonly outside: readonly string[]
  readonly disordered: readonly string[]
}

/** What a row of a commit can be of: records that it covers, or letters that it took in again. */
export type CommitCover = Pick<AppendEntry, 'ranges'> & { readonly taken?: TakenLetters }

/** Findings of one commit that are told by name; a broken one could have millions. */
const toldMax = 20

/**
 * @param files of one stream, its dead letters included.
 * @param oneRowEach false: one event may have any number of rows, and a dead letter beside them.
 */
export function judgeIdentities(
  cover: CommitCover,
  stream: string,
  files: readonly FileIdentities[],
  oneRowEach: boolean,
): IdentityFindings {
  const all: Identities = new Map()
  const disordered: string[] = []
  for (const { path, identities, isLetters } of files) {
    for (const [at, list] of identities) {
      listAt(all, at).addAll(list)
      const row = isLetters ? undefined : list.firstOutOfOrder()
      if (row === undefined) continue
      const both = `offset ${list.offset(row)} stands behind ${list.offset(row - 1)}`
      disordered.push(`"${path}": ${both} of "${at}"`)
    }
  }
  const [duplicates, outside]: [string[], string[]] = [[], []]
  for (const [at, list] of all) {
    outside.push(...outsideOf(cover, at, list))
    if (oneRowEach) duplicates.push(...repeatedIn(at, list))
  }
  return { stream, duplicates, outside, disordered }
}

function repeatedIn(at: string, list: IdentityList): readonly string[] {
  const found: string[] = []
  const rows = list.sorted()
  for (let place = 1; place < rows.length && found.length < toldMax; place++) {
    const [row, before] = [rows[place] ?? 0, rows[place - 1] ?? 0]
    const [offset, index] = [list.offset(row), list.index(row)]
    if (offset !== list.offset(before) || index !== list.index(before)) continue
    found.push(`"${at}" offset ${offset} index ${index} stands twice`)
  }
  return found
}

function outsideOf(
  { ranges, taken }: CommitCover,
  at: string,
  list: IdentityList,
): readonly string[] {
  if (taken !== undefined) return notTaken(taken, at, list)
  const range = ranges.find(({ source }) => topicPartitionName(source) === at)
  const found: string[] = []
  for (let row = 0; row < list.count && found.length < toldMax; row++) {
    const offset = list.offset(row)
    if (range !== undefined && offset >= range.first && offset < range.next) continue
    const covered = range === undefined ? 'nothing' : `[${range.first}, ${range.next})`
    found.push(`"${at}" offset ${offset} is in a file of a commit that covers ${covered} of it`)
  }
  return found
}

function notTaken(taken: TakenLetters, at: string, list: IdentityList): readonly string[] {
  const found: string[] = []
  for (let row = 0; row < list.count && found.length < toldMax; row++) {
    const [offset, index] = [list.offset(row), list.index(row)]
    if (taken.has(at, offset, index)) continue
    found.push(`"${at}" offset ${offset} index ${index} is of no letter that the commit took in`)
  }
  return found
}

/** Offsets of a commit's ranges that have left neither a row nor a dead letter. */
export function offsetsWithoutTrace(
  { ranges }: AppendEntry,
  files: readonly FileIdentities[],
): { readonly count: bigint; readonly example: string | undefined } {
  let count = 0n
  let example: string | undefined
  for (const { source, first, next } of ranges) {
    if (next - first === 0n) continue
    const at = topicPartitionName(source)
    const seen = distinctOffsets(files, at)
    const without = next - first - seen
    if (without > 0n) example ??= `${without} of [${first}, ${next}) of "${at}"`
    count += without
  }
  return { count, example }
}

function distinctOffsets(files: readonly FileIdentities[], at: string): bigint {
  const all: Identities = new Map()
  for (const { identities } of files) {
    const list = identities.get(at)
    if (list !== undefined) listAt(all, at).addAll(list)
  }
  const list = all.get(at)
  if (list === undefined) return 0n
  let [distinct, before] = [0n, -1n]
  for (const row of list.sorted()) {
    const offset = list.offset(row)
    if (offset !== before) distinct += 1n
    before = offset
  }
  return distinct
}

/** The topic of all rows of a commit, where it has one only. */
export function onlyTopicOf({ ranges, taken }: CommitCover): string | undefined {
  if (taken !== undefined) return taken.onlyTopic
  const topics = new Set(ranges.map(({ source }) => source.topic))
  const [topic] = topics
  return topics.size === 1 ? topic : undefined
}

/** Streams that have files in a commit, without the dead letters' table. */
export const streamsOf = (files: readonly FileIdentities[]): readonly string[] =>
  [...new Set(files.map(({ stream }) => stream))].filter((stream) => stream !== deadLetterStream)

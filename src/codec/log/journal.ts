/**
 * The journal of a commit ⇄ bytes: what it stages, and what that relies on.
 *
 *     {"format":2,"pipeline":"growth","commitId":"9f3a…-41",
 *      "ranges":[{"lane":"lake","source":{…},"expected":"40","first":"40","next":"90",…}],
 *      "files":[{"stagedPath":"t/_staging/growth/….staged","path":"t/dt=2026-11-20/….parquet"}]}
 *
 * Format 1 has no files: a lake of files needs none, and no other was written in it.
 *
 * Invariant: it is written before anything that it names and removed after all of that.
 * Source: docs/protocol.md, "Cleaning up".
 */
import { type ZodType, z } from 'zod'
import { Fault } from '../../base/fault.ts'
import type { StagingJournal } from '../../model/staging-journal.ts'
import { encodeJson, parseJson, parseShape } from './json.ts'
import {
  absentAsNull,
  commitIdShape,
  partitionPathShape,
  placeKindShape,
  rangeShape,
} from './shapes.ts'

const swapShape = z.strictObject({
  stream: z.string(),
  partitionPath: partitionPathShape,
  place: placeKindShape,
  version: absentAsNull(commitIdShape),
  inputs: z.array(z.string().min(1)),
})
const unitShape = z.strictObject({
  day: partitionPathShape,
  commitId: commitIdShape,
  stream: z.string(),
})
const commonShape = { pipeline: z.string(), commitId: commitIdShape, ranges: z.array(rangeShape) }
const fileShape = z.strictObject({ stagedPath: z.string().min(1), path: z.string().min(1) })

const journalShape: ZodType<StagingJournal> = z.discriminatedUnion('format', [
  z
    .strictObject({ format: z.literal(1), ...commonShape })
    .transform(({ format: _format, ...journal }) => ({ ...journal, files: [] })),
  z
    .strictObject({
      format: z.literal(2),
      ...commonShape,
      files: z.array(fileShape),
      swap: swapShape.exactOptional(),
      letters: z.array(unitShape).exactOptional(),
    })
    .transform(({ format: _format, ...journal }) => journal),
])

export const encodeJournal = (journal: StagingJournal): Uint8Array =>
  Buffer.from(encodeJson({ format: 2, ...journal }))

/**
 * @param path of the object, for the message of the fault.
 * @throws {Fault} `LOG_JOURNAL_UNREADABLE`.
 */
export function parseJournal(bytes: Uint8Array, path: string): StagingJournal {
  const json = parseJson(bytes)
  const outcome = json.kind === 'refused' ? json : parseShape(journalShape, json.value)
  if (outcome.kind === 'refused') {
    throw new Fault('LOG_JOURNAL_UNREADABLE', { path, reason: outcome.reason })
  }
  return outcome.value
}

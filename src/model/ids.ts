import { assert } from '../base/assert.ts'
import type { Brand } from '../base/brand.ts'

/** One start of one process: 128 random bits as 32 hex digits. Never comes back. */
export type WriterId = Brand<string, 'WriterId'>

/**
 * One attempt to write one content: writer id and a counter, "<32 hex>-<counter>".
 *
 * Used for one content only: what is staged again gets a new one, so that a name seen twice is
 * always the same bytes (docs/adr, commit ids).
 */
export type CommitId = Brand<string, 'CommitId'>

const writerIdShape = /^[0-9a-f]{32}$/
const commitIdShape = /^([0-9a-f]{32})-(\d+)$/

export function writerId(value: string): WriterId {
  assert(writerIdShape.test(value), `writer id "${value}" has 32 hex digits`)
  return value as WriterId
}

export const commitIdOf = (writer: WriterId, counter: number): CommitId =>
  `${writer}-${counter}` as CommitId

export const isCommitId = (text: string): text is CommitId => commitIdShape.test(text)

export function parseCommitId(text: string): CommitId {
  assert(isCommitId(text), `commit id "${text}" is writer id and counter`)
  return text
}

/** The parts of a commit id. */
export function commitIdParts(id: CommitId): { writer: WriterId; counter: number } {
  const [, writer = '', counter = ''] = commitIdShape.exec(id) ?? []
  return { writer: writerId(writer), counter: Number(counter) }
}

/** The form that file names carry: the first 16 hex digits of the writer id, and the counter. */
export function shortCommitId(id: CommitId): string {
  const { writer, counter } = commitIdParts(id)
  return `${writer.slice(0, 16)}-${counter}`
}

/**
 * When the log's format is raised, and to which.
 *
 * A format is used only after a `config` entry of it stands in the log: that entry raises it. Who
 * does not know the format stops there, by name. So it is put only when nobody has been at work for
 * a while who would be stopped by it.
 *
 *     format 1 ──config entry of format 2──▶ format 2: entries of format 1 are void from here on
 *
 * Source: docs/protocol.md, "Formats and their upgrade".
 */
import type { UnixMs } from '../base/time.ts'
import type { WriterId } from '../model/ids.ts'

/** A writer that the log knows, other than the one that decides. */
export interface KnownWriter {
  readonly writerId: WriterId
  readonly lastEntryAtMs: UnixMs
  /** As it said itself; undefined where that is not known any more: it may be anybody. */
  readonly newestFormat: number | undefined
}

export interface RaiseFacts {
  readonly inForce: number
  /** The newest format that this process reads and writes. */
  readonly newestKnown: number
  readonly lakeNowMs: UnixMs
  /** Who has put nothing for so long does not count: two intervals. */
  readonly quietMs: number
  readonly others: readonly KnownWriter[]
}

export type RaiseDecision =
  | { readonly kind: 'raise'; readonly format: number }
  /** In force is the newest that this process knows, or a newer one. */
  | { readonly kind: 'newest' }
  /** This writer was at work lately and would be stopped. */
  | { readonly kind: 'wait'; readonly writerId: WriterId }

/** Pure: the same facts give the same answer to whoever asks. */
export function decideRaise(facts: RaiseFacts): RaiseDecision {
  const { inForce, newestKnown } = facts
  if (newestKnown <= inForce) return { kind: 'newest' }
  const lately = atWork(facts)
  const unknown = lately.find((writer) => !hasTold(writer))
  if (unknown !== undefined) return { kind: 'wait', writerId: unknown.writerId }
  const [oldest] = lately.filter(hasTold).sort((a, b) => a.newestFormat - b.newestFormat)
  if (oldest === undefined) return { kind: 'raise', format: newestKnown }
  const format = Math.min(newestKnown, oldest.newestFormat)
  return format > inForce ? { kind: 'raise', format } : { kind: 'wait', writerId: oldest.writerId }
}

const hasTold = (writer: KnownWriter): writer is KnownWriter & { readonly newestFormat: number } =>
  writer.newestFormat !== undefined

/** Others that have put an entry within the quiet span. */
export const atWork = <W extends Pick<KnownWriter, 'lastEntryAtMs'>>({
  others,
  lakeNowMs,
  quietMs,
}: Pick<RaiseFacts, 'lakeNowMs' | 'quietMs'> & { readonly others: readonly W[] }): readonly W[] =>
  others.filter(({ lastEntryAtMs }) => lakeNowMs - lastEntryAtMs < quietMs)

import type { UnixMs } from '../base/time.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import { inputStreamOf } from '../protocol/late.ts'

/** Event times `[startMs, nextMs)`. */
export interface Span {
  readonly startMs: UnixMs
  readonly nextMs: UnixMs
}

/** What of the lake is looked at. */
export interface Scope {
  /** Undefined: every stream. */
  readonly stream: string | undefined
  /** By stream, since zones differ; undefined: all of event time. */
  readonly spans: ReadonlyMap<string, Span> | undefined
}

/** True when commits are looked at whole, so that offsets can be accounted for. */
export const isWhole = ({ stream, spans }: Scope): boolean =>
  stream === undefined && spans === undefined

/** @param startMs of the partition. */
export function includes(
  { stream: only, spans }: Scope,
  name: string,
  startMs: UnixMs | undefined,
): boolean {
  const stream = inputStreamOf(name)
  if (only !== undefined && stream !== only) return false
  if (spans === undefined) return true
  const span = spans.get(stream)
  if (span === undefined || startMs === undefined || stream === deadLetterStream) return false
  return startMs >= span.startMs && startMs < span.nextMs
}

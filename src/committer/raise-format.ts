import { newestFormatOf } from '../codec/log/writer-note.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { WriterId } from '../model/ids.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import {
  atWork,
  decideRaise,
  type KnownWriter,
  type RaiseDecision,
} from '../protocol/format-upgrade.ts'
import { clockPath } from '../protocol/log-paths.ts'

export interface RaiseParts {
  readonly lake: Lake
  readonly log: CommitLog
  readonly pipeline: string
  readonly telemetry: Telemetry
  /** Who has put nothing for so long is not at work: two commit intervals. */
  readonly quietMs: number
}

/**
 * Raises the log's format to the newest that everybody at work knows.
 * @returns what was decided; a raise that lost a race is decided anew by the next call.
 */
export async function raiseFormat(parts: RaiseParts): Promise<RaiseDecision> {
  const { log, telemetry, quietMs } = parts
  const { newestFormat: newestKnown } = log
  if (newestKnown <= log.state.config.format) return { kind: 'newest' }
  const fold = await log.refresh()
  const lakeNowMs = log.lakeNowMs()
  const inForce = fold.config.format
  const writers = [...fold.writers]
    .filter(([writerId]) => writerId !== log.writerId)
    .map(([writerId, { lastEntryAtMs }]) => ({ writerId, lastEntryAtMs }))
  const others: KnownWriter[] = []
  for (const writer of atWork({ others: writers, lakeNowMs, quietMs })) {
    others.push({ ...writer, newestFormat: await newestOf(parts, writer.writerId) })
  }
  const decision = decideRaise({ inForce, newestKnown, lakeNowMs, quietMs, others })
  if (decision.kind === 'wait') {
    const { writerId } = decision
    telemetry.log.info('format not raised yet', { inForce, newestKnown, writerId })
  }
  if (decision.kind !== 'raise') return decision
  const { format } = decision
  const judged = new Set([log.writerId, ...others.map(({ writerId }) => writerId)])
  const outcome = await log.raiseFormat(format, (now) => isQuietSince(fold, now, judged))
  const said = outcome.kind === 'decided' ? 'format raised' : 'format not raised yet'
  telemetry.log.info(said, { inForce, format, outcome: outcome.kind })
  return decision
}

/** True when nobody has put since but writers whose formats were judged. */
const isQuietSince = (before: FoldState, now: FoldState, judged: ReadonlySet<WriterId>): boolean =>
  [...now.writers].every(([writerId, { counterNext, lastEntryAtMs }]) => {
    const known = before.writers.get(writerId)
    const isSame = known?.counterNext === counterNext && known.lastEntryAtMs === lastEntryAtMs
    return isSame || judged.has(writerId)
  })

async function newestOf(
  { lake, pipeline }: RaiseParts,
  writerId: WriterId,
): Promise<number | undefined> {
  const note = await lake.read(clockPath(pipeline, writerId))
  return note === undefined ? undefined : newestFormatOf(note)
}

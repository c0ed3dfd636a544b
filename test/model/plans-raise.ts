/** When a process raises the log's format: the product's decision. */

import { unixMs } from '../../src/base/time.ts'
import { commitIdParts } from '../../src/model/ids.ts'
import { decideRaise } from '../../src/protocol/format-upgrade.ts'
import { type Beginning, beginEntry, draft } from './beginning.ts'
import { commitOf } from './entry.ts'
import type { ModelFold } from './fold.ts'

type Raising = Pick<Beginning, 'world' | 'tables' | 'bounds' | 'at'>

/** Whether everybody at work knows a newer format. Who died has been silent for long enough. */
export function mayRaise(fold: ModelFold, { world, tables, bounds, at }: Raising): boolean {
  const { writers, config } = fold.state
  const others = world.processes.flatMap(({ writer, knows: newestFormat }, other) => {
    const { writer: writerId } = commitIdParts(commitOf(writer, 0))
    const known = other === at ? undefined : writers.get(writerId)
    return known === undefined ? [] : [{ writerId, newestFormat, ...known }]
  })
  const decision = decideRaise({
    inForce: config.format,
    newestKnown: world.processes[at]?.knows ?? 1,
    lakeNowMs: unixMs(0),
    // Time is not modelled: either all have been silent for long, or nobody who lives.
    quietMs: bounds.quiet === true ? 0 : 1,
    others: tables.off.has('raiseWaits') ? [] : others,
  })
  return decision.kind === 'raise'
}

export function planRaise(from: Beginning): void {
  const { world, fold } = from
  if (world.left.raise === 0 || !mayRaise(fold, from)) return
  const format = fold.state.config.format + 1
  const entry = draft(from, { kind: 'raise', format })
  beginEntry(from, entry, 'raise', () => `raising the format to ${format}`)
}

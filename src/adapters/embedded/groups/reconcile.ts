/**
 * How one KIP-848 member moves towards its target: give up first, then take what is free. Pure.
 *
 * Invariants: a partition is handed over only when its old owner no longer lists it; the member's
 * epoch reaches the target's only when it has given up everything it must.
 *
 * Source: KIP-848, "Reconciliation".
 */
import { intersect, minus, type PartitionKey } from './partition-set.ts'

export interface ReconcileFacts {
  readonly epoch: number
  readonly targetEpoch: number
  readonly assigned: ReadonlySet<PartitionKey>
  /** Told to give up, not yet seen to have done so. */
  readonly revoking: ReadonlySet<PartitionKey>
  readonly target: ReadonlySet<PartitionKey>
  /** What the member says it owns; undefined when it does not say. */
  readonly owned: ReadonlySet<PartitionKey> | undefined
  /** Assigned to, or not yet given up by, other members. */
  readonly heldByOthers: ReadonlySet<PartitionKey>
}

export interface Reconciled {
  readonly epoch: number
  readonly assigned: ReadonlySet<PartitionKey>
  readonly revoking: ReadonlySet<PartitionKey>
}

export function reconcile(facts: ReconcileFacts): Reconciled {
  const { epoch, assigned, target } = facts
  if (stillOwns(facts, facts.revoking)) return { epoch, assigned, revoking: facts.revoking }
  const kept = intersect(assigned, target)
  const revoking = minus(assigned, target)
  if (stillOwns(facts, revoking)) return { epoch, assigned: kept, revoking }
  const free = minus(minus(target, kept), facts.heldByOthers)
  return {
    epoch: facts.targetEpoch,
    assigned: new Set([...kept, ...free]),
    revoking: new Set(),
  }
}

function stillOwns(facts: ReconcileFacts, revoking: ReadonlySet<PartitionKey>): boolean {
  const { owned } = facts
  if (revoking.size === 0) return false
  return owned === undefined || [...revoking].some((key) => owned.has(key))
}

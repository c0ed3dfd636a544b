/** What to do when an instance is to be up. Pure: the harness gathers facts and obeys. */
import type { InstanceRecord } from './instance-record.ts'
import type { Ports, ServiceKind } from './service-kind.ts'

export interface StartFacts {
  readonly kind: Pick<ServiceKind, 'name' | 'version' | 'portNames'>
  /** Of an earlier start in this folder. */
  readonly record: InstanceRecord | undefined
  /** Names of its processes that run. */
  readonly alive: ReadonlySet<string>
  /** Whether nobody listens on the ports of the earlier start, of those not alive. */
  readonly arePortsFree: boolean
}

export type StartDecision =
  /** Data of another version is there; it is not upgraded in silence. */
  | { readonly kind: 'refuse'; readonly because: string }
  /** On the ports that clients know already. */
  | { readonly kind: 'start-on'; readonly ports: Ports }
  | { readonly kind: 'start-anew' }

/** Where to start what does not run. What runs is left alone. */
export function decideStart({ kind, record, alive, arePortsFree }: StartFacts): StartDecision {
  if (record === undefined) return { kind: 'start-anew' }
  if (record.service !== kind.name || record.version !== kind.version) {
    const there = `${record.service} ${record.version}`
    return {
      kind: 'refuse',
      because: `its folder holds ${there}, not ${kind.name} ${kind.version}`,
    }
  }
  const known = new Set(Object.keys(record.ports))
  const areSame =
    known.size === kind.portNames.length && kind.portNames.every((at) => known.has(at))
  if (alive.size > 0) return { kind: 'start-on', ports: record.ports }
  return areSame && arePortsFree
    ? { kind: 'start-on', ports: record.ports }
    : { kind: 'start-anew' }
}

import { present } from '../base/assert.ts'
import type { KernelInput } from '../kernel/kernel-input.ts'
import { type EventFates, type EventLoad, settled } from '../model/event-load.ts'
import type { WireFilter } from './expression.ts'

/** One `filter` of a stream; events are counted as filtered by its reason. */
export interface FilterRule {
  readonly filter: WireFilter
  readonly reason: string
}

/** Takes events that a filter of their stream does not keep out of a load. */
export class FilterStep {
  readonly #rules: readonly (readonly FilterRule[])[]
  readonly #input: KernelInput
  readonly #fates: EventFates

  /** @param rules of each configured stream, in order; an empty list where it has none. */
  constructor(rules: readonly (readonly FilterRule[])[], input: KernelInput, fates: EventFates) {
    this.#rules = rules
    this.#input = input
    this.#fates = fates
  }

  /** Judges the events that have no fate yet; the first filter that does not keep one decides. */
  apply(load: EventLoad): void {
    const { events } = load
    for (let event = 0; event < events.count; event++) {
      const stream = events.stream[event] ?? settled
      if (stream === settled) continue
      const rules = present(this.#rules[stream], 'an event has a configured stream')
      if (rules.length > 0) this.#judge(load, event, rules)
    }
  }

  #judge(load: EventLoad, event: number, rules: readonly FilterRule[]): void {
    const start = load.events.payloadStart[event] ?? 0
    const end = load.events.payloadEnd[event] ?? 0
    for (const { filter, reason } of rules) {
      const verdict = filter.matches(this.#input.u8, start, end)
      if (verdict === 'pass') continue
      if (verdict === 'reject') this.#fates.filtered(load, event, reason)
      else this.#fates.refused(load, event, malformed)
      return
    }
  }
}

const malformed = {
  step: 'filter',
  reason: 'decode-malformed',
  error: 'the payload is not protobuf wire format of this message',
} as const

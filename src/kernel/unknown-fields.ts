/** Fields that a table's schema does not know, as they were met in rows that were taken. */
import { present } from '../base/assert.ts'
import type { UnknownField, UnknownFields } from '../model/unknown-field.ts'
import type { LinearMemory } from './linear-memory.ts'
import type { MessagePlan } from './plan-parts.ts'

/** Numbers come from outside: more than this are counted together. */
const fieldsMax = 1_024
/** Must agree with `ENTRY_BYTES` in kernel/unknown-counts.ts. */
const entryWords = 4

export class UnknownFieldCounts {
  readonly #messages: readonly MessagePlan[]
  readonly #counts = new Map<string, UnknownField>()
  #otherCount = 0

  constructor(messages: readonly MessagePlan[]) {
    this.#messages = messages
  }

  /** What was counted since the last taking. */
  take(): UnknownFields {
    const taken = { fields: [...this.#counts.values()], otherCount: this.#otherCount }
    this.#counts.clear()
    this.#otherCount = 0
    return taken
  }

  /** Adds what the kernel counted since it was told to forget, and tells it to. */
  collect({ calls, u32 }: LinearMemory): void {
    const count = calls.unknownCount()
    this.#otherCount += calls.unknownOthers() >>> 0
    const list = calls.unknownList() >>> 2
    for (let index = 0; index < count; index++) {
      const at = list + index * entryWords
      const [message = 0, number = 0, low = 0, high = 0] = u32.subarray(at, at + entryWords)
      this.#add(message, number, high * 2 ** 32 + low)
    }
    calls.forgetUnknown()
  }

  #add(index: number, number: number, count: number): void {
    const { fullName } = present(this.#messages[index], 'a message of the plan')
    const key = `${number} ${fullName}`
    const known = this.#counts.get(key)
    if (known === undefined && this.#counts.size >= fieldsMax) this.#otherCount += count
    else this.#counts.set(key, { message: fullName, number, count: count + (known?.count ?? 0) })
  }
}

import type { UnknownField, UnknownFieldsOfStream } from '../model/unknown-field.ts'
import type { Metrics } from '../ports/telemetry.ts'

/** Numbers come from outside: more than this of a stream are one label, and one line. */
const toldMax = 32

interface Told {
  readonly fields: Map<string, UnknownField>
  otherCount: number
}

/** What the daemon tells of unknown fields: of commits since its start, by stream. */
export class UnknownFieldBoard {
  readonly #metrics: Metrics
  readonly #streams = new Map<string, Told>()

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  /** Of one commit, once it is decided. */
  add({ stream, fields, otherCount }: UnknownFieldsOfStream): void {
    const told = this.#streams.get(stream) ?? { fields: new Map(), otherCount: 0 }
    this.#streams.set(stream, told)
    let others = otherCount
    for (const field of fields) {
      const label = `${field.message}:${field.number}`
      const known = told.fields.get(label)
      if (known === undefined && told.fields.size >= toldMax) {
        others += field.count
        continue
      }
      told.fields.set(label, { ...field, count: field.count + (known?.count ?? 0) })
      this.#count(stream, label, field.count)
    }
    told.otherCount += others
    if (others > 0) this.#count(stream, 'other', others)
  }

  /** Most frequent first. */
  of(stream: string): UnknownFieldsOfStream {
    const told = this.#streams.get(stream)
    const fields = [...(told?.fields.values() ?? [])]
    return {
      stream,
      fields: fields.toSorted((one, other) => other.count - one.count),
      otherCount: told?.otherCount ?? 0,
    }
  }

  #count(stream: string, field: string, amount: number): void {
    this.#metrics.count('lakeward_unknown_fields_total', amount, { stream, field })
  }
}

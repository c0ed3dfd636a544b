/** A plan and its scratch made into the kernel's structs: offsets become addresses. */
import { assert, present } from '../base/assert.ts'
import type { EnumSchema } from '../model/event-schema.ts'
import type { LinearMemory } from './linear-memory.ts'
import {
  type DerivationPlan,
  type FieldPlan,
  isSingular,
  type MessagePlan,
  type SingularFieldPlan,
  type ValuePlan,
} from './plan-parts.ts'
import type { ScratchLayout } from './scratch-layout.ts'
import type { TablePlan } from './table-plan.ts'
import { operation, scalarReading, wire } from './wire-operations.ts'

/** Must agree with `Kind` in kernel/structures.ts; texts that are enums have kind 1. */
const leafKind = {
  'byte-array': 0,
  int32: 2,
  int64: 3,
  float: 4,
  double: 5,
  boolean: 6,
  int96: 7,
} as const
const enumKind = 1

/** Must agree with `Derive` in kernel/structures.ts. */
const derive = {
  'timestamp-micros': 0,
  'duration-micros': 1,
  'timestamp-int96': 2,
  true: 3,
  text: 4,
} as const satisfies Record<DerivationPlan['kind'], number>

/** Must agree with `Clear` in kernel/structures.ts. */
const clear = { slot: 0, presence: 1, rows: 2, oneofCase: 3 } as const

/** Tags below this index a table directly; a message with larger numbers is searched for those. */
const directFieldsMax = 1_024

interface Arenas {
  readonly zeroed: number
  readonly levels: number
}

interface Link {
  readonly memory: LinearMemory
  readonly plan: TablePlan
  readonly layout: ScratchLayout
  readonly arenas: Arenas
  readonly capacities: readonly number[]
}

interface EntryParts {
  readonly number: number
  readonly wireType: number
  readonly operation: number
  readonly slots?: number
  readonly presence?: number
  readonly rowSet?: number
  readonly inner?: number
  readonly detail?: number
  /** A oneof and the member's number from 1, or a repeated closed enum and 0. */
  readonly oneof?: { readonly address: number; readonly caseId: number } | undefined
}

class Linker {
  readonly #link: Link
  readonly #program: number
  readonly #enums = new Map<EnumSchema, number>()
  readonly #rowSets: number[] = []
  readonly #messageIds: ReadonlyMap<MessagePlan, number>

  constructor(link: Link) {
    this.#link = link
    const { plan } = link
    this.#messageIds = new Map(plan.messages.map((message, index) => [message, index]))
    this.#program = this.#calls.newProgram(
      plan.rowSets.length,
      plan.contexts.length,
      plan.leaves.length,
      requiredFields(plan).length,
      plan.derivations.length,
    )
  }

  get #calls() {
    return this.#link.memory.calls
  }

  run(): number {
    this.#addRowSets()
    this.#addContextsAndLeaves()
    const message = this.#addMessage(this.#link.plan.root, undefined)
    this.#calls.setRootMessage(this.#program, message)
    for (const derivation of this.#link.plan.derivations) this.#addDerivation(derivation)
    return this.#program
  }

  /** Address in the zeroed arena; 0 for what is not there. */
  #zeroed(offset: number | undefined): number {
    return offset === undefined ? 0 : this.#link.arenas.zeroed + offset
  }
  #slots(index: number): number {
    return this.#zeroed(present(this.#link.layout.slots[index], 'slots of the plan'))
  }
  #presence(index: number | undefined): number {
    return index === undefined ? 0 : this.#zeroed(this.#link.layout.presences[index])
  }
  #rowSet(index: number): number {
    return present(this.#rowSets[index], 'row sets are added first')
  }
  #addRowSets(): void {
    const { plan, layout, capacities } = this.#link
    for (const [index, rowSet] of plan.rowSets.entries()) {
      const arrays = layout.arrays.filter((array) => array.rowSet === index)
      const address = this.#calls.addRowSet(
        this.#program,
        rowSet.parent === undefined ? 0 : this.#rowSet(rowSet.parent),
        present(capacities[index], 'every row set has a capacity'),
        this.#zeroed(layout.counts[index]),
        arrays.length,
        plan.rowSets.filter(({ parent }) => parent === index).length,
      )
      this.#rowSets.push(address)
      for (const { offset, shift } of arrays) {
        this.#calls.addArray(address, this.#zeroed(offset), shift)
      }
      if (!rowSet.mayDie) continue
      const key = rowSet.mapKey === undefined ? undefined : plan.leaves[rowSet.mapKey]
      const keys = key === undefined ? 0 : this.#slots(key.slots)
      const keysAreText = key?.physical === 'byte-array' ? 1 : 0
      this.#calls.setDead(address, this.#zeroed(layout.dead[index]), keys, keysAreText)
    }
  }

  #addContextsAndLeaves(): void {
    const { plan, layout, arenas } = this.#link
    const contexts: number[] = []
    for (const [index, context] of plan.contexts.entries()) {
      contexts.push(
        this.#calls.addContext(
          this.#program,
          context.parent === undefined ? 0 : present(contexts[context.parent], 'parents first'),
          this.#rowSet(context.rowSet),
          this.#presence(context.presence),
          context.definition,
          context.repetition,
          arenas.levels + present(layout.definitions[index], 'every context has levels'),
          arenas.levels + present(layout.repetitions[index], 'every context has levels'),
        ),
      )
    }
    for (const leaf of plan.leaves) {
      const { definition } = present(plan.contexts[leaf.context], 'context of the plan')
      const address = this.#calls.addLeaf(
        this.#program,
        present(contexts[leaf.context], 'contexts are added first'),
        leaf.values === undefined ? leafKind[leaf.physical] : enumKind,
        this.#slots(leaf.slots),
        this.#presence(leaf.presence),
        leaf.values === undefined ? 0 : this.#enum(leaf.values),
        definition + (leaf.presence === undefined ? 0 : 1),
        leaf.unsigned ? 1 : 0,
      )
      if (leaf.nanos !== undefined) this.#calls.setNanos(address, this.#slots(leaf.nanos))
    }
  }

  #enum(values: EnumSchema): number {
    const known = this.#enums.get(values)
    if (known !== undefined) return known
    const table = this.#calls.addEnum(this.#program, values.names.size)
    this.#enums.set(values, table)
    for (const [number, name] of [...values.names].toSorted(([a], [b]) => a - b)) {
      const text = Buffer.from(name, 'utf8')
      const at = this.#calls.addEnumName(this.#program, table, number, text.length)
      this.#link.memory.u8.set(text, at >>> 0)
    }
    return table
  }

  #addDerivation({ kind, rowSet, slots, nanos, text }: DerivationPlan): void {
    const set = this.#rowSet(rowSet)
    const other = text === undefined ? 0 : this.#addText(text)
    const second = nanos === undefined ? other : this.#slots(nanos)
    this.#calls.addDerivation(this.#program, derive[kind], set, this.#slots(slots), second)
  }

  /** The value of a slot that stands for a text: where it lies, and its length. */
  #addText(text: string): number {
    const bytes = Buffer.from(text, 'utf8')
    const table = this.#calls.addEnum(this.#program, 1)
    const at = this.#calls.addEnumName(this.#program, table, 0, bytes.length + 8) >>> 0
    const words = this.#link.memory.u32
    words[at >>> 2] = at + 8
    words[(at >>> 2) + 1] = bytes.length
    this.#link.memory.u8.set(bytes, at + 8)
    return at
  }

  /** @param group number of the field whose end tag ends the message. */
  #addMessage(message: MessagePlan, group: number | undefined): number {
    const oneofs = message.oneofs.map((_, index) => this.#addOneof(message, index))
    const end =
      group === undefined
        ? []
        : [{ number: group, wireType: wire.groupEnd, operation: operation.endGroup }]
    const entries = [
      ...message.fields.flatMap((field) => this.#entriesOf(message, field, oneofs)),
      ...end,
    ].toSorted((a, b) => a.number - b.number || a.wireType - b.wireType)
    const direct = entries.filter(({ number }) => number < directFieldsMax)
    const directNext = ((direct.at(-1)?.number ?? 0) + 1) * 8
    const sparse = entries.length - direct.length
    const id = present(this.#messageIds.get(message), 'message of the plan')
    const address = this.#calls.addMessage(this.#program, id, directNext, sparse)
    for (const entry of entries) this.#addEntry(address, entry)
    return address
  }

  #addEntry(message: number, parts: EntryParts): void {
    const { layout, arenas } = this.#link
    const entry = this.#calls.addEntry(
      message,
      parts.number * 8 + parts.wireType,
      parts.operation,
      parts.slots ?? 0,
      parts.presence || arenas.levels + layout.ignored,
      parts.rowSet ?? 0,
      parts.inner ?? 0,
      parts.detail ?? 0,
    )
    if (parts.oneof === undefined) return
    this.#calls.setOneof(entry, parts.oneof.address, parts.oneof.caseId)
  }

  #entriesOf(owner: MessagePlan, field: FieldPlan, oneofs: readonly number[]): EntryParts[] {
    if (isSingular(field)) return [this.#singularEntry(owner, field, oneofs)]
    const { number } = field
    const rowSet = this.#rowSet(field.rowSet)
    if (field.kind === 'values') return this.#repeatedEntries(field, rowSet)
    const wireType = field.delimited ? wire.groupStart : wire.bytes
    const parts = { number, wireType, rowSet }
    if (field.kind === 'texts') {
      const slots = this.#slots(field.slots)
      const code = field.delimited ? operation.rowCaptureGroup : operation.rowCapture
      return [{ ...parts, slots, operation: code, detail: field.leaf }]
    }
    const inner = this.#addMessage(field.message, field.delimited ? number : undefined)
    const code = field.delimited ? operation.rowGroup : operation.rowMessage
    return [{ ...parts, operation: code, inner }]
  }

  #singularEntry(
    owner: MessagePlan,
    field: SingularFieldPlan,
    oneofs: readonly number[],
  ): EntryParts {
    const { number } = field
    const presence = this.#presence(field.presence)
    if (field.required) this.#addRequired(owner, presence)
    const oneof = field.member && {
      address: present(oneofs[field.member.oneof], 'oneofs are added first'),
      caseId: field.member.member + 1,
    }
    const flag = oneof === undefined ? 0 : operation.inOneof
    const parts = { number, presence, oneof }
    if (field.kind === 'value') {
      const { code, wireType, detail } = this.#readingOf(field)
      const slots = this.#slots(field.slots)
      const decides = field.closed !== undefined && owner.isEntry
      const rowSet = decides ? this.#rowSet(owner.rowSet) : 0
      return { ...parts, wireType, slots, detail, rowSet, operation: code + flag }
    }
    const wireType = field.delimited ? wire.groupStart : wire.bytes
    if (field.kind === 'text') {
      const slots = this.#slots(field.slots)
      const code = field.delimited ? operation.captureGroup : operation.capture
      return { ...parts, wireType, slots, detail: field.leaf, operation: code + flag }
    }
    const inner = this.#addMessage(field.message, field.delimited ? number : undefined)
    const code = field.delimited ? operation.group : operation.message
    return { ...parts, wireType, inner, operation: code + flag }
  }

  #readingOf(value: ValuePlan): { code: number; wireType: number; detail: number } {
    const [code, wireType] = scalarReading[value.scalar]
    if (value.closed !== undefined) {
      return { code: operation.closedEnum, wireType, detail: this.#enum(value.closed) }
    }
    return { code, wireType, detail: 0 }
  }

  /** A repeated field is accepted packed and not, whatever its declaration says. */
  #repeatedEntries(value: ValuePlan, rowSet: number): EntryParts[] {
    const [code, wireType] = scalarReading[value.scalar]
    const detail = code
    const { number } = value
    const oneof = value.closed && { address: this.#enum(value.closed), caseId: 0 }
    const parts = { number, slots: this.#slots(value.slots), rowSet, detail, oneof }
    const single = { ...parts, wireType, operation: operation.rowValue }
    if (wireType === wire.bytes) return [single]
    return [single, { ...parts, wireType: wire.bytes, operation: operation.packed }]
  }

  #addRequired(owner: MessagePlan, presence: number): void {
    assert(presence !== 0, 'a required field has presence')
    const group = this.#presence(owner.presence)
    this.#calls.addRequired(this.#program, this.#rowSet(owner.rowSet), group, presence)
  }

  #addOneof(message: MessagePlan, index: number): number {
    const cases = present(this.#link.layout.cases.get(message)?.[index], 'a oneof has cases')
    const members = present(message.oneofs[index], 'oneof of the message')
    const oneof = this.#calls.addOneof(this.#program, this.#zeroed(cases), members)
    for (const field of message.fields) {
      if (!isSingular(field) || field.member?.oneof !== index) continue
      const items = this.#belongings(field)
      const { member } = field.member
      const list = this.#calls.addClearList(this.#program, oneof, member, items.length)
      for (const [kind, target] of items) this.#calls.addClearItem(list, kind, target)
    }
    return oneof
  }

  /** What a field left in a row: cleared when another member of its oneof comes. */
  #belongings(field: FieldPlan): (readonly [number, number])[] {
    switch (field.kind) {
      case 'values':
      case 'rows':
      case 'texts':
        return [[clear.rows, this.#rowSet(field.rowSet)]]
      case 'value':
      case 'text':
        return [[clear.slot, this.#slots(field.slots)], ...this.#given(field)]
      case 'message': {
        const { message } = field
        const cases = this.#link.layout.cases.get(message) ?? []
        return [
          ...this.#given(field),
          ...cases.map((offset) => [clear.oneofCase, this.#zeroed(offset)] as const),
          ...message.fields.flatMap((inner) => this.#belongings(inner)),
        ]
      }
    }
  }

  #given({ presence }: SingularFieldPlan): (readonly [number, number])[] {
    return presence === undefined ? [] : [[clear.presence, this.#presence(presence)]]
  }
}

function requiredFields(plan: TablePlan): readonly FieldPlan[] {
  return plan.messages.flatMap(({ fields }) =>
    fields.filter((field) => isSingular(field) && field.required),
  )
}

/** @returns the program's address; the caller releases it. */
export function linkProgram(link: Link): number {
  return new Linker(link).run()
}

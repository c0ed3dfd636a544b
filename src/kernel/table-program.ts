/** A plan and its scratch made into the kernel's structs: offsets become addresses. */
import { assert, present } from '../base/assert.ts'
import type { EnumSchema, ScalarType } from '../model/event-schema.ts'
import type { LinearMemory } from './linear-memory.ts'
import type { FieldPlan, MessagePlan, ValuePlan } from './plan-parts.ts'
import { messagesOf, type ScratchLayout } from './scratch-layout.ts'
import type { TablePlan } from './table-plan.ts'

/** Must agree with `Operation` in kernel/structures.ts. */
const operation = {
  bytes: 1,
  string: 2,
  varint64: 3,
  varint32: 4,
  zigzag64: 5,
  zigzag32: 6,
  fixed64: 7,
  fixed32: 8,
  bool: 9,
  closedEnum: 10,
  message: 11,
  rowMessage: 12,
  rowValue: 13,
  packed: 14,
  inOneof: 32,
} as const

/** Must agree with `Kind` in kernel/structures.ts; texts that are enums have kind 1. */
const leafKind = {
  'byte-array': 0,
  int32: 2,
  int64: 3,
  float: 4,
  double: 5,
  boolean: 6,
} as const
const enumKind = 1

/** Must agree with `Clear` in kernel/structures.ts. */
const clear = { slot: 0, presence: 1, rows: 2, oneofCase: 3 } as const

const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

const scalarReading = {
  double: [operation.fixed64, wire.fixed64],
  float: [operation.fixed32, wire.fixed32],
  int32: [operation.varint32, wire.varint],
  int64: [operation.varint64, wire.varint],
  uint32: [operation.varint32, wire.varint],
  uint64: [operation.varint64, wire.varint],
  sint32: [operation.zigzag32, wire.varint],
  sint64: [operation.zigzag64, wire.varint],
  fixed32: [operation.fixed32, wire.fixed32],
  fixed64: [operation.fixed64, wire.fixed64],
  sfixed32: [operation.fixed32, wire.fixed32],
  sfixed64: [operation.fixed64, wire.fixed64],
  bool: [operation.bool, wire.varint],
  string: [operation.string, wire.bytes],
  bytes: [operation.bytes, wire.bytes],
  enum: [operation.varint32, wire.varint],
} as const satisfies Record<ScalarType | 'enum', readonly [number, number]>

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

  constructor(link: Link) {
    this.#link = link
    const { plan } = link
    this.#program = this.#calls.newProgram(
      plan.rowSets.length,
      plan.contexts.length,
      plan.leaves.length,
      requiredFields(plan).length,
    )
  }

  get #calls() {
    return this.#link.memory.calls
  }

  run(): number {
    this.#addRowSets()
    this.#addContextsAndLeaves()
    const message = this.#addMessage(this.#link.plan.root)
    this.#calls.setRootMessage(this.#program, message)
    return this.#program
  }

  /** Address in the zeroed arena; 0 for what is not there. */
  #zeroed(offset: number | undefined): number {
    return offset === undefined ? 0 : this.#link.arenas.zeroed + offset
  }
  #slots(leaf: number): number {
    return this.#zeroed(present(this.#link.layout.slots[leaf], 'every leaf has slots'))
  }
  #leafPresence(leaf: number): number {
    return this.#zeroed(this.#link.layout.leafPresence[leaf])
  }
  #contextPresence(context: number): number {
    return this.#zeroed(this.#link.layout.contextPresence[context])
  }
  #rowSet(index: number): number {
    return present(this.#rowSets[index], 'row sets are added first')
  }
  #rowSetOf(context: number): number {
    return present(this.#link.plan.contexts[context], 'context of the plan').rowSet
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
      const keys = rowSet.mapKey === undefined ? 0 : this.#slots(rowSet.mapKey)
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
          this.#contextPresence(index),
          context.definition,
          context.repetition,
          arenas.levels + present(layout.definitions[index], 'every context has levels'),
          arenas.levels + present(layout.repetitions[index], 'every context has levels'),
        ),
      )
    }
    for (const [index, leaf] of plan.leaves.entries()) {
      const { definition } = present(plan.contexts[leaf.context], 'context of the plan')
      this.#calls.addLeaf(
        this.#program,
        present(contexts[leaf.context], 'contexts are added first'),
        leaf.values === undefined ? leafKind[leaf.physical] : enumKind,
        this.#slots(index),
        leaf.optional ? this.#leafPresence(index) : 0,
        leaf.values === undefined ? 0 : this.#enum(leaf.values),
        definition + (leaf.optional ? 1 : 0),
        leaf.unsigned ? 1 : 0,
      )
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

  #addMessage(message: MessagePlan): number {
    const oneofs = message.oneofs.map((_, index) => this.#addOneof(message, index))
    const entries = message.fields
      .flatMap((field) => this.#entriesOf(message, field, oneofs))
      .toSorted((a, b) => a.number - b.number || a.wireType - b.wireType)
    const direct = entries.filter(({ number }) => number < directFieldsMax)
    const directNext = ((direct.at(-1)?.number ?? 0) + 1) * 8
    const sparse = entries.length - direct.length
    const address = this.#calls.addMessage(this.#program, directNext, sparse)
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
    const rowSet = this.#rowSetOf(owner.context)
    if (field.kind === 'values') return this.#repeatedEntries(field, field.rowSet)
    if (field.kind === 'rows') {
      const inner = this.#addMessage(field.message)
      const { number } = field
      const set = this.#rowSet(field.rowSet)
      return [{ number, wireType: wire.bytes, operation: operation.rowMessage, rowSet: set, inner }]
    }
    const presence =
      field.kind === 'value'
        ? this.#leafPresence(field.leaf)
        : field.context === owner.context
          ? 0
          : this.#contextPresence(field.context)
    if (field.required) this.#addRequired(owner, rowSet, presence)
    const oneof = field.member && {
      address: present(oneofs[field.member.oneof], 'oneofs are added first'),
      caseId: field.member.member + 1,
    }
    const flag = oneof === undefined ? 0 : operation.inOneof
    if (field.kind === 'message') {
      const { number } = field
      const inner = this.#addMessage(field.message)
      const parts = { number, presence, inner, oneof }
      return [{ ...parts, wireType: wire.bytes, operation: operation.message + flag }]
    }
    const { code, wireType, detail } = this.#readingOf(field)
    const slots = this.#slots(field.leaf)
    const { number } = field
    const decides = field.closed !== undefined && this.#isMapEntry(owner)
    const set = decides ? this.#rowSet(rowSet) : 0
    const parts = { number, wireType, slots, presence, detail, oneof, rowSet: set }
    return [{ ...parts, operation: code + flag }]
  }

  /** The message is a map's entry itself, not a message within one. */
  #isMapEntry({ fields, context }: MessagePlan): boolean {
    const { plan } = this.#link
    const key = plan.rowSets[this.#rowSetOf(context)]?.mapKey
    return fields.some((field) => field.kind === 'value' && field.leaf === key)
  }

  #readingOf(value: ValuePlan): { code: number; wireType: number; detail: number } {
    const [code, wireType] = scalarReading[value.scalar]
    if (value.closed !== undefined) {
      return { code: operation.closedEnum, wireType, detail: this.#enum(value.closed) }
    }
    return { code, wireType, detail: 0 }
  }

  /** A repeated field is accepted packed and not, whatever its declaration says. */
  #repeatedEntries(value: ValuePlan, rowSetIndex: number): EntryParts[] {
    const [code, wireType] = scalarReading[value.scalar]
    const detail = code
    const { number } = value
    const oneof = value.closed && { address: this.#enum(value.closed), caseId: 0 }
    const rowSet = this.#rowSet(rowSetIndex)
    const parts = { number, slots: this.#slots(value.leaf), rowSet, detail, oneof }
    const single = { ...parts, wireType, operation: operation.rowValue }
    if (wireType === wire.bytes) return [single]
    return [single, { ...parts, wireType: wire.bytes, operation: operation.packed }]
  }

  #addRequired(owner: MessagePlan, rowSet: number, presence: number): void {
    assert(presence !== 0, 'a required field has presence')
    const group = this.#contextPresence(owner.context)
    this.#calls.addRequired(this.#program, this.#rowSet(rowSet), group, presence)
  }

  #addOneof(message: MessagePlan, index: number): number {
    const cases = present(this.#link.layout.cases.get(message)?.[index], 'a oneof has cases')
    const members = present(message.oneofs[index], 'oneof of the message')
    const oneof = this.#calls.addOneof(this.#program, this.#zeroed(cases), members)
    for (const field of message.fields) {
      if (field.kind !== 'value' && field.kind !== 'message') continue
      if (field.member?.oneof !== index) continue
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
        return [[clear.rows, this.#rowSet(field.rowSet)]]
      case 'value': {
        const slot = [clear.slot, this.#slots(field.leaf)] as const
        const presence = this.#leafPresence(field.leaf)
        return presence === 0 ? [slot] : [slot, [clear.presence, presence]]
      }
      case 'message': {
        const { message, context } = field
        const cases = this.#link.layout.cases.get(message) ?? []
        return [
          [clear.presence, this.#contextPresence(context)],
          ...cases.map((offset) => [clear.oneofCase, this.#zeroed(offset)] as const),
          ...message.fields.flatMap((inner) => this.#belongings(inner)),
        ]
      }
    }
  }
}

function requiredFields(plan: TablePlan): readonly FieldPlan[] {
  return messagesOf(plan.root).flatMap(({ fields }) =>
    fields.filter(
      (field) => (field.kind === 'value' || field.kind === 'message') && field.required,
    ),
  )
}

/** @returns the program's address; the caller releases it. */
export function linkProgram(link: Link): number {
  return new Linker(link).run()
}

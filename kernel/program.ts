/** Making programs: the host calls these in order, children after their parents. */
import { allocate, release } from './memory'
import {
  ClearItem,
  ClearList,
  Context,
  Derivation,
  Entry,
  ENTRY_SHIFT,
  EnumItem,
  EnumTable,
  Leaf,
  Message,
  Oneof,
  Program,
  Required,
  RowSet,
  ScratchArray,
} from './structures'

const CHUNK_BYTES: u32 = 4096

/** Chunk: next chunk, its size, then structs. */
function addChunk(program: Program, bytes: u32): usize {
  const chunk = allocate(bytes)
  memory.fill(chunk, 0, bytes)
  store<usize>(chunk, program.chunks)
  store<u32>(chunk, bytes, 4)
  program.chunks = chunk
  return chunk
}

/** Zeroed memory that lives as long as the program. */
function take(program: Program, size: u32): usize {
  const bytes = (size + 15) & ~15
  if (bytes > CHUNK_BYTES / 4) {
    // A large table gets a chunk of its own, behind the open one.
    const open = program.chunks
    const chunk = addChunk(program, bytes + 16)
    if (open) {
      store<usize>(chunk, load<usize>(open))
      store<usize>(open, chunk)
      program.chunks = open
    } else program.chunkUsed = bytes + 16
    return chunk + 16
  }
  if (!program.chunks || program.chunkUsed + bytes > load<u32>(program.chunks, 4)) {
    addChunk(program, CHUNK_BYTES)
    program.chunkUsed = 16
  }
  const at = program.chunks + program.chunkUsed
  program.chunkUsed += bytes
  return at
}

export function newProgram(
  rowSets: u32,
  contexts: u32,
  leaves: u32,
  requireds: u32,
  derivations: u32,
): Program {
  const program = changetype<Program>(allocate(offsetof<Program>()))
  memory.fill(changetype<usize>(program), 0, offsetof<Program>())
  program.rowSets = take(program, rowSets << 2)
  program.contexts = take(program, contexts << 2)
  program.leaves = take(program, leaves << 2)
  program.requireds = take(program, requireds * offsetof<Required>())
  program.derivations = take(program, derivations * offsetof<Derivation>())
  return program
}

export function releaseProgram(program: Program): void {
  let chunk = program.chunks
  while (chunk) {
    const next = load<usize>(chunk)
    release(chunk, load<u32>(chunk, 4))
    chunk = next
  }
  release(changetype<usize>(program), offsetof<Program>())
}

export function addRowSet(
  program: Program,
  parent: usize,
  capacity: u32,
  counts: usize,
  arrays: u32,
  children: u32,
): RowSet {
  const rowSet = changetype<RowSet>(take(program, offsetof<RowSet>()))
  rowSet.parent = parent
  rowSet.capacity = capacity
  rowSet.counts = counts
  rowSet.index = program.rowSetCount
  rowSet.arrays = take(program, arrays * offsetof<ScratchArray>())
  rowSet.children = take(program, children << 2)
  store<usize>(program.rowSets + (program.rowSetCount++ << 2), changetype<usize>(rowSet))
  if (parent) {
    const owner = changetype<RowSet>(parent)
    store<usize>(owner.children + (owner.childCount++ << 2), changetype<usize>(rowSet))
  }
  return rowSet
}

export function addArray(rowSet: RowSet, start: usize, shift: u32): void {
  const at = rowSet.arrays + rowSet.arrayCount++ * offsetof<ScratchArray>()
  changetype<ScratchArray>(at).start = start
  changetype<ScratchArray>(at).shift = shift
}

/** Rows of this set may die: it is a map, or lies within one. */
export function setDead(rowSet: RowSet, dead: usize, mapKeys: usize, keysAreText: u32): void {
  rowSet.dead = dead
  rowSet.mapKeys = mapKeys
  rowSet.mapKeysAreText = keysAreText
}

export function addContext(
  program: Program,
  parent: usize,
  rowSet: RowSet,
  presence: usize,
  definition: u32,
  repetition: u32,
  definitions: usize,
  repetitions: usize,
): Context {
  const context = changetype<Context>(take(program, offsetof<Context>()))
  context.parent = parent
  context.rowSet = changetype<usize>(rowSet)
  context.presence = presence
  context.definition = definition
  context.repetition = repetition
  context.definitions = definitions
  context.repetitions = repetitions
  if (!presence) rowSet.definition = definition
  store<usize>(program.contexts + (program.contextCount++ << 2), changetype<usize>(context))
  return context
}

export function addLeaf(
  program: Program,
  context: Context,
  kind: u32,
  slots: usize,
  presence: usize,
  enumTable: usize,
  definitionMax: u32,
  unsigned: u32,
): Leaf {
  const leaf = changetype<Leaf>(take(program, offsetof<Leaf>()))
  leaf.kind = kind
  leaf.context = changetype<usize>(context)
  leaf.slots = slots
  leaf.presence = presence
  leaf.enumTable = enumTable
  leaf.definitionMax = definitionMax
  leaf.repetitionMax = context.repetition
  leaf.unsigned = unsigned
  store<usize>(program.leaves + (program.leafCount++ << 2), changetype<usize>(leaf))
  return leaf
}

export function addRequired(program: Program, rowSet: usize, group: usize, presence: usize): void {
  const at = program.requireds + program.requiredCount++ * offsetof<Required>()
  const required = changetype<Required>(at)
  required.rowSet = rowSet
  required.groupPresence = group
  required.presence = presence
}

export function addDerivation(
  program: Program,
  kind: u32,
  rowSet: usize,
  slots: usize,
  nanos: usize,
): void {
  const at = program.derivations + program.derivationCount++ * offsetof<Derivation>()
  const derivation = changetype<Derivation>(at)
  derivation.kind = kind
  derivation.rowSet = rowSet
  derivation.slots = slots
  derivation.nanos = nanos
}

/** An INT96 leaf is made of two slots. */
export function setNanos(leaf: Leaf, nanos: usize): void {
  leaf.nanos = nanos
}

export function addMessage(program: Program, id: u32, directNext: u32, sparse: u32): Message {
  const message = changetype<Message>(take(program, offsetof<Message>()))
  message.id = id
  message.directNext = directNext
  message.entries = take(program, directNext << ENTRY_SHIFT)
  message.sparseTags = take(program, sparse << 2)
  message.sparseEntries = take(program, sparse << ENTRY_SHIFT)
  return message
}

/** Entry of a tag. Tags at or above `directNext` must be added in rising order. */
export function addEntry(
  message: Message,
  tag: u32,
  operation: u32,
  slots: usize,
  presence: usize,
  rowSet: usize,
  inner: usize,
  detail: u32,
): Entry {
  let at: usize
  if (tag < message.directNext) at = message.entries + (tag << ENTRY_SHIFT)
  else {
    store<u32>(message.sparseTags + (message.sparseCount << 2), tag)
    at = message.sparseEntries + (message.sparseCount++ << ENTRY_SHIFT)
  }
  const entry = changetype<Entry>(at)
  entry.operation = operation
  entry.slots = slots
  entry.presence = presence
  entry.rowSet = rowSet
  entry.message = inner
  entry.detail = detail
  return entry
}

/** A oneof's member, or (case 0) the closed enum of a repeated field. */
export function setOneof(entry: Entry, oneof: usize, caseId: u32): void {
  entry.oneof = oneof
  entry.caseId = caseId
}

export function addOneof(program: Program, cases: usize, members: u32): Oneof {
  const oneof = changetype<Oneof>(take(program, offsetof<Oneof>()))
  oneof.cases = cases
  oneof.members = take(program, members << 2)
  return oneof
}

export function addClearList(program: Program, oneof: Oneof, member: u32, items: u32): usize {
  const list = take(program, offsetof<ClearList>() + items * offsetof<ClearItem>())
  store<usize>(oneof.members + (member << 2), list)
  return list
}

export function addClearItem(list: ClearList, kind: u32, target: usize): void {
  const at = changetype<usize>(list) + offsetof<ClearList>() + list.count++ * offsetof<ClearItem>()
  changetype<ClearItem>(at).kind = kind
  changetype<ClearItem>(at).target = target
}

export function addEnum(program: Program, count: u32): EnumTable {
  const table = changetype<EnumTable>(take(program, offsetof<EnumTable>()))
  table.items = take(program, count * offsetof<EnumItem>())
  return table
}

/** Names must come sorted by number. The host writes the text to the address returned. */
export function addEnumName(program: Program, table: EnumTable, number: i32, length: u32): usize {
  const at = table.items + table.count++ * offsetof<EnumItem>()
  const item = changetype<EnumItem>(at)
  item.number = number
  item.length = length
  // Reads of whole vectors pass the end.
  item.text = take(program, length + 16)
  return item.text
}

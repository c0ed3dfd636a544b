/**
 * What the kernel keeps in linear memory, as views over addresses.
 *
 * A *program* is made by the host for one table: how tags lead to slots. Its scratch arrays (slots,
 * presence, counts) lie in an arena that all programs share, since a batch is parsed and encoded
 * before the next one starts; the arena is all zero between batches.
 *
 * A *row set* is one repetition level: the batch's rows, or the elements of one repeated field. A
 * parent is parsed before its next sibling, so the elements of a parent are neighbours, and a count
 * per parent row tells them apart.
 *
 * A *context* is one place in the column tree that has levels: a row set, or an optional group in
 * it.
 */

/** What to do with a field. Must agree with `operation` in src/kernel/table-program.ts. */
export const enum Operation {
  SKIP = 0,
  BYTES = 1,
  STRING = 2,
  VARINT64 = 3,
  VARINT32 = 4,
  ZIGZAG64 = 5,
  ZIGZAG32 = 6,
  FIXED64 = 7,
  FIXED32 = 8,
  BOOL = 9,
  CLOSED_ENUM = 10,
  MESSAGE = 11,
  /** Repeated forms: each occurrence, or each packed value, is a row of its own. */
  ROW_MESSAGE = 12,
  ROW_VALUE = 13,
  PACKED = 14,
  /** Delimited encoding: a message that ends at its own end tag. */
  GROUP = 15,
  ROW_GROUP = 16,
  END_GROUP = 17,
  /** A message that the host turns into text; `detail` is the leaf. */
  CAPTURE = 18,
  ROW_CAPTURE = 19,
  CAPTURE_GROUP = 20,
  ROW_CAPTURE_GROUP = 21,
  /** Added to the operation of a oneof's member. */
  IN_ONEOF = 32,
}

/** How a leaf is stored. Must agree with `leafKind` in src/kernel/table-program.ts. */
export const enum Kind {
  TEXT = 0,
  ENUM = 1,
  INT32 = 2,
  INT64 = 3,
  FLOAT = 4,
  DOUBLE = 5,
  BOOL = 6,
  INT96 = 7,
}

/** How slots are made from what was parsed. Must agree with `derive` in table-program.ts. */
export const enum Derive {
  /** Seconds and nanoseconds to microseconds since the epoch, rounded down. */
  TIMESTAMP_MICROS = 0,
  /** The same for a span of time, rounded towards zero. */
  DURATION_MICROS = 1,
  /** Seconds and nanoseconds to the Julian day and the nanoseconds within it. */
  TIMESTAMP_INT96 = 2,
  /** True wherever there is a row. */
  TRUE = 3,
  /** A text where nothing was given. */
  TEXT = 4,
}

/** Of a page's values. Must agree with `pageEncodings` in src/kernel/page-encodings.ts. */
export const enum PageEncoding {
  PLAIN = 0,
  DICTIONARY = 1,
  DELTAS = 2,
  DELTA_TEXTS = 3,
}

/** Why a row is refused. Must agree with `refusalReasons` in src/kernel/file-columns.ts. */
export const enum Failure {
  NONE = 0,
  TRUNCATED = 1,
  MALFORMED = 2,
  INVALID_UTF8 = 3,
  TOO_DEEP = 4,
  /** A row set has no room: not the row's fault, the host splits the batch or grows the set. */
  FULL = 5,
  /** A time that its column cannot hold. */
  OUT_OF_RANGE = 6,
}

@unmanaged
export class Program {
  message: usize
  rowSets: usize
  rowSetCount: u32
  contexts: usize
  contextCount: u32
  leaves: usize
  leafCount: u32
  requireds: usize
  requiredCount: u32
  derivations: usize
  derivationCount: u32
  /** Blocks that hold the structs, linked by their first word. */
  chunks: usize
  chunkUsed: u32
}

/** Entry of a tag; 32 bytes, so that a direct table is indexed by a shift. */
@unmanaged
export class Entry {
  operation: u32
  slots: usize
  presence: usize
  rowSet: usize
  message: usize
  oneof: usize
  /** Member of the oneof, from 1. */
  caseId: u32
  /** Closed enum, or the operation of a repeated value. */
  detail: u32
}
export const ENTRY_SHIFT: u32 = 5

/** Tags below `directNext` index `entries`; larger ones are searched in `sparse`. */
@unmanaged
export class Message {
  /** What unknown fields are counted under. */
  id: u32
  directNext: u32
  entries: usize
  sparseCount: u32
  sparseTags: usize
  sparseEntries: usize
}

@unmanaged
export class RowSet {
  rows: u32
  capacity: u32
  /** Elements per row of the parent, u32 each; 0 for the root. */
  counts: usize
  parent: usize
  index: u32
  /** Definition level at which an entry of a level stream stands for a row of this set. */
  definition: u32
  arrays: usize
  arrayCount: u32
  children: usize
  childCount: u32
  /** One byte per row, 1 when a later map entry replaced it; 0 when rows of this set never die. */
  dead: usize
  deadCount: u32
  /** Map: slots of the keys; 0 otherwise. */
  mapKeys: usize
  mapKeysAreText: u32
  /** Rows before the root row that is being parsed, for required fields. */
  mark: u32
}

/** A scratch array of a row set: `rows << shift` bytes are in use. */
@unmanaged
export class ScratchArray {
  start: usize
  shift: u32
}

@unmanaged
export class Oneof {
  /** Which member each row has, u16, 0 for none. */
  cases: usize
  /** Lists of what belongs to each member, indexed by case - 1. */
  members: usize
}

export const enum Clear {
  SLOT = 0,
  PRESENCE = 1,
  ROWS = 2,
  CASE = 3,
}

/** A list of things, followed by its items; used for a oneof member's belongings. */
@unmanaged
export class ClearList {
  count: u32
}
@unmanaged
export class ClearItem {
  kind: u32
  target: usize
}

@unmanaged
export class EnumTable {
  count: u32
  items: usize
}
@unmanaged
export class EnumItem {
  number: i32
  text: usize
  length: u32
}

@unmanaged
export class Context {
  parent: usize
  rowSet: usize
  /** Presence array of an optional group; 0 for a row set's own context. */
  presence: usize
  definition: u32
  repetition: u32
  /** Levels of the batch, one byte each. */
  definitions: usize
  repetitions: usize
  levels: u32
}

@unmanaged
export class Leaf {
  kind: u32
  context: usize
  slots: usize
  /** Presence of an optional leaf; 0 when it is required. */
  presence: usize
  enumTable: usize
  definitionMax: u32
  repetitionMax: u32
  unsigned: u32
  /** INT96: slots of the nanoseconds. */
  nanos: usize
}

/** One leaf whose slots are made of two, row by row, when a row is parsed. */
@unmanaged
export class Derivation {
  kind: u32
  rowSet: usize
  slots: usize
  /** Slots of the nanoseconds, or the address of the slot's value for a text. */
  nanos: usize
}

/** A required proto2 field: where its group is present, it must be. */
@unmanaged
export class Required {
  rowSet: usize
  groupPresence: usize
  presence: usize
}

@inline
export function pointerAt(list: usize, index: u32): usize {
  return load<usize>(list + (index << 2))
}

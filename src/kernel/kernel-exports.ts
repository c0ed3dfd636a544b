/**
 * The kernel's functions as the host sees them; kernel/index.ts and kernel/program.ts define them.
 */

/** An address in linear memory, or a small number: u32, handed over as a signed number. */
type Word = number

interface MemoryExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  setMemoryCap(pages: number): void
  /** 1 once an allocation failed in the middle of a call, which trapped. */
  capHit(): number
  /** Bytes of blocks that somebody has. */
  bytesTaken(): number
  bytesEverTaken(): number
  /** 1 while dictionaries are to be given up early. */
  setMemoryShort(isShort: number): void
  tryAllocate(bytes: number): Word
  release(block: Word, bytes: number): void
  setSeed(low: number, high: number): void
}

/** Blocks of codecs, by addresses in linear memory. What is written stays in its bounds. */
export interface InflateExports {
  /** @returns the end of the output; 0 when the block is malformed, 1 when it has no room. */
  inflateLz4(from: Word, fromEnd: Word, outFirst: Word, out: Word, outEnd: Word): Word
  /** @returns the end of the output, which is `outEnd`; 0 when the elements are malformed. */
  inflateSnappy(from: Word, fromEnd: Word, out: Word, outEnd: Word): Word
  xxhash32(from: Word, sizeBytes: number): number
}

interface ProgramExports {
  newProgram(
    rowSets: number,
    contexts: number,
    leaves: number,
    requireds: number,
    derivations: number,
  ): Word
  releaseProgram(program: Word): void
  setRootMessage(program: Word, message: Word): void
  addRowSet(
    program: Word,
    parent: Word,
    capacity: number,
    counts: Word,
    arrays: number,
    children: number,
  ): Word
  addArray(rowSet: Word, start: Word, shift: number): void
  setDead(rowSet: Word, dead: Word, mapKeys: Word, keysAreText: number): void
  addContext(
    program: Word,
    parent: Word,
    rowSet: Word,
    presence: Word,
    definition: number,
    repetition: number,
    definitions: Word,
    repetitions: Word,
  ): Word
  addLeaf(
    program: Word,
    context: Word,
    kind: number,
    slots: Word,
    presence: Word,
    enumTable: Word,
    definitionMax: number,
    unsigned: number,
  ): Word
  addRequired(program: Word, rowSet: Word, group: Word, presence: Word): void
  addDerivation(program: Word, kind: number, rowSet: Word, slots: Word, nanos: Word): void
  setNanos(leaf: Word, nanos: Word): void
  addMessage(program: Word, id: number, directNext: number, sparse: number): Word
  addEntry(
    message: Word,
    tag: number,
    operation: number,
    slots: Word,
    presence: Word,
    rowSet: Word,
    inner: Word,
    detail: Word,
  ): Word
  setOneof(entry: Word, oneof: Word, caseId: number): void
  addOneof(program: Word, cases: Word, members: number): Word
  addClearList(program: Word, oneof: Word, member: number, items: number): Word
  addClearItem(list: Word, kind: number, target: Word): void
  addEnum(program: Word, count: number): Word
  addEnumName(program: Word, table: Word, number: number, length: number): Word
}

interface ParseExports {
  parse(program: Word, starts: Word, ends: Word, count: number): number
  acceptedRows(program: Word): number
  acceptedList(): Word
  refusedRows(): number
  refusedList(): Word
  fullSet(): number
  fillNumbers32(slots: Word, source: Word, rows: number): void
  fillNumbers64(slots: Word, source: Word, rows: number): void
  fillSame(slots: Word, low: number, high: number, rows: number): void
  /** Captured messages of the last parse, and where they are listed. */
  captureCount(): number
  captureList(): Word
  unknownCount(): number
  unknownList(): Word
  unknownOthers(): number
  forgetUnknown(): void
  clearRows(program: Word): void
  encode(program: Word, file: Word): number
}

interface FileExports {
  /** @param plainOnly 1 or 0. */
  openFile(program: Word, plainOnly: number): Word
  columnHabit(file: Word, column: number): number
  setColumnHabit(file: Word, column: number, habit: number): void
  releaseFile(file: Word): void
  fileRows(file: Word): number
  fileBytes(file: Word): number
  pageIsFull(file: Word, column: number): number
  pageHeld(file: Word, column: number): number
  pagesHeld(file: Word, least: number): number
  shrinkColumn(file: Word, column: number): void
  openLevels(file: Word, column: number): number
  takePage(file: Word, column: number): Word
  takenBytes(): number
  takenLevels(): number
  takenRows(): number
  takenNulls(): number
  takenEncoding(): number
  rangeKnown(file: Word, column: number): number
  rangeStart(file: Word, column: number, isMax: number): Word
  rangeSize(file: Word, column: number, isMax: number): number
  hashColumn(file: Word, column: number): void
  takenHashes(): Word
  takenHashCount(): number
  dictionaryCount(file: Word, column: number): number
  dictionaryStart(file: Word, column: number): Word
  dictionarySize(file: Word, column: number): number
  hashDictionary(file: Word, column: number): Word
  chunkNulls(file: Word, column: number): number
  nextRowGroup(file: Word): void
}

export type KernelExports = MemoryExports &
  InflateExports &
  ProgramExports &
  ParseExports &
  FileExports

/** Every function, so that a module that lacks one is noticed when it is opened. */
export const kernelFunctions = [
  'setMemoryCap',
  'capHit',
  'bytesTaken',
  'bytesEverTaken',
  'setMemoryShort',
  'tryAllocate',
  'release',
  'setSeed',
  'inflateLz4',
  'inflateSnappy',
  'xxhash32',
  'newProgram',
  'releaseProgram',
  'setRootMessage',
  'addRowSet',
  'addArray',
  'setDead',
  'addContext',
  'addLeaf',
  'addRequired',
  'addDerivation',
  'setNanos',
  'addMessage',
  'addEntry',
  'setOneof',
  'addOneof',
  'addClearList',
  'addClearItem',
  'addEnum',
  'addEnumName',
  'parse',
  'acceptedRows',
  'acceptedList',
  'refusedRows',
  'refusedList',
  'fullSet',
  'fillNumbers32',
  'fillNumbers64',
  'fillSame',
  'captureCount',
  'captureList',
  'unknownCount',
  'unknownList',
  'unknownOthers',
  'forgetUnknown',
  'clearRows',
  'encode',
  'openFile',
  'columnHabit',
  'setColumnHabit',
  'releaseFile',
  'fileRows',
  'fileBytes',
  'pageIsFull',
  'pageHeld',
  'pagesHeld',
  'shrinkColumn',
  'openLevels',
  'takePage',
  'takenBytes',
  'takenLevels',
  'takenRows',
  'takenNulls',
  'takenEncoding',
  'rangeKnown',
  'rangeStart',
  'rangeSize',
  'hashColumn',
  'takenHashes',
  'takenHashCount',
  'dictionaryCount',
  'dictionaryStart',
  'dictionarySize',
  'hashDictionary',
  'chunkNulls',
  'nextRowGroup',
] as const satisfies readonly Exclude<keyof KernelExports, 'memory'>[]

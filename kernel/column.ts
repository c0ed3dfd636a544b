/** The builder of one column of one open file. All its buffers start empty and grow by use. */
import { Buffer } from './memory'

@unmanaged
export class Column {
  kind: u32
  definitionMax: u32
  repetitionMax: u32
  unsigned: u32

  // The open page.
  levels: u32
  values: u32
  rows: u32
  definitions: usize
  definitionsCapacity: u32
  repetitions: usize
  repetitionsCapacity: u32
  /** u16 each; a dictionary never has more than 65,536 entries. */
  indexes: usize
  indexesCapacity: u32
  /** Values that are in no dictionary: numbers as they are; of texts the characters alone. */
  plain: usize
  plainCapacity: u32
  plainBytes: u32
  /** Texts that are in no dictionary: u32 each. */
  lengths: usize
  lengthsCapacity: u32

  // The chunk's dictionary.
  /** 1 while new values go through the dictionary. */
  dictionaryOpen: u32
  /** Pages and values closed with dictionary indexes. */
  dictionaryPages: u32
  dictionaryValues: u32
  distinct: u32
  dictionary: usize
  dictionaryCapacity: u32
  dictionaryBytes: u32
  /** Texts: where each entry starts. */
  offsets: usize
  offsetsCapacity: u32
  hash: usize
  hashCapacity: u32
  hashMask: u32
  /** Entries that the hash begins with, as the last chunk had them, or another file; or 0. */
  hashFirst: u32
  /**
   * 1 when the last chunk found no use for a dictionary in its first page: the next starts plain,
   * also that of another file, see `columnHabit` in kernel/index.ts.
   */
  skipDictionary: u32
  /** 1 when the last chunk's values seldom repeated: another file does without a dictionary. */
  seldomRepeats: u32
  /**
   * 1 when more than a quarter of the values that the dictionary saw were repeats; outlives the
   * chunk as `skipDictionary` does.
   */
  repeats: u32
  /** 1 when values outside of a dictionary are written plain, for the reader's sake. */
  plainOnly: u32
  /** 1 once a page of the chunk showed that differences do not pay. */
  deltasLost: u32

  /** 1 when a Bloom filter wants hashes of the values. */
  hashed: u32
  /** Nulls of the chunk's closed pages. */
  nulls: u32

  // Statistics of the open page; of the page last closed until the next value comes.
  /** 1 when min and max hold a value. */
  hasRange: u32
  min: usize
  minCapacity: u32
  minLength: u32
  max: usize
  maxCapacity: u32
  maxLength: u32
  /** Numbers: the values themselves. Texts: their first eight bytes, big-endian. */
  minValue: u64
  maxValue: u64

  @inline definitionsAt(): usize {
    return changetype<usize>(this) + offsetof<Column>('definitions')
  }
  @inline repetitionsAt(): usize {
    return changetype<usize>(this) + offsetof<Column>('repetitions')
  }
  @inline indexesBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('indexes'))
  }
  @inline plainBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('plain'))
  }
  @inline lengthsBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('lengths'))
  }
  @inline dictionaryBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('dictionary'))
  }
  @inline offsetsBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('offsets'))
  }
  @inline hashBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('hash'))
  }
  @inline minBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('min'))
  }
  @inline maxBuffer(): Buffer {
    return changetype<Buffer>(changetype<usize>(this) + offsetof<Column>('max'))
  }
}

@unmanaged
export class File {
  columns: usize
  columnCount: u32
  rows: u32
  heldBytes: u32
}

@inline
export function columnAt(file: File, index: u32): Column {
  return changetype<Column>(file.columns + index * offsetof<Column>())
}

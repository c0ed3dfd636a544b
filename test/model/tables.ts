/**
 * Entries and folds as small numbers, so that a state of the world is small numbers too.
 *
 * A fold is known by what it was folded from; each step from fold to fold is computed once, by the
 * product's `foldEntry` where the product has the kind of entry.
 */
import { assert, present } from '../../src/base/assert.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../src/codec/log/checkpoint.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import type { ModelEntry } from './entry.ts'
import { emptyModelFold, foldModelEntry, type ModelFold, withoutRecipes } from './fold.ts'
import type { RulesOff } from './rules.ts'

/** Number of an entry; 0 is no entry. */
export type EntryId = number
/** Number of a fold; 0 is the empty one. */
export type FoldId = number

export interface TableStep {
  readonly fold: FoldId
  readonly decided: boolean
}

const entriesMax = 1_000_000

export class Tables {
  readonly off: RulesOff
  readonly #entries: ModelEntry[] = []
  readonly #entryIds = new Map<string, EntryId>()
  readonly #folds: ModelFold[] = [emptyModelFold()]
  readonly #steps = new Map<number, TableStep>()
  readonly #written = new Map<FoldId, FoldId>()

  constructor(off: RulesOff) {
    this.off = off
  }

  get foldCount(): number {
    return this.#folds.length
  }

  idOf(entry: ModelEntry): EntryId {
    const key = JSON.stringify(entry)
    const known = this.#entryIds.get(key)
    if (known !== undefined) return known
    const id = this.#entries.push(entry)
    this.#entryIds.set(key, id)
    return id
  }

  entry(id: EntryId): ModelEntry {
    return present(this.#entries[id - 1], 'an entry that is named was made')
  }

  fold(id: FoldId): ModelFold {
    return present(this.#folds[id], 'a fold that is named was made')
  }

  /** Folds one entry more. */
  step(from: FoldId, entry: EntryId): TableStep {
    const key = from * entriesMax + entry
    const known = this.#steps.get(key)
    if (known !== undefined) return known
    const { fold, decided } = foldModelEntry(this.fold(from), this.entry(entry), this.off)
    const made = { fold: this.#folds.push(fold) - 1, decided }
    this.#steps.set(key, made)
    return made
  }

  /** Passes over an entry as if it were void. */
  skip(from: FoldId, entry: EntryId): TableStep {
    const key = -(from * entriesMax + entry)
    const known = this.#steps.get(key)
    if (known !== undefined) return known
    const fold = this.fold(from)
    const { next, checksum } = this.fold(this.step(from, entry).fold).state
    const skipped = { ...fold, state: { ...fold.state, next, checksum } }
    const made = { fold: this.#folds.push(skipped) - 1, decided: false }
    this.#steps.set(key, made)
    return made
  }

  /** The fold as it stands in a checkpoint: the product's bytes, read again. */
  written(id: FoldId): FoldId {
    const known = this.#written.get(id)
    if (known !== undefined) return known
    const fold = this.fold(id)
    const made = this.off.has('recipe') ? this.#folds.push(withoutRecipes(fold)) - 1 : id
    if (made === id) this.#folds[id] = { ...fold, state: readBack(fold.state) }
    this.#written.set(id, made)
    return made
  }
}

function readBack(state: FoldState): FoldState {
  const bytes = encodeCheckpoint(state)
  const read = parseCheckpoint(bytes, 'checkpoint', state.config.format)
  assert(Buffer.compare(encodeCheckpoint(read), bytes) === 0, 'a checkpoint says what was folded')
  return read
}

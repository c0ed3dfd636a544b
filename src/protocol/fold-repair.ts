/**
 * What an operator's repairs change: an entry that nobody can read is stepped over, a commit is
 * given up.
 *
 * Called by `foldEntry` only, after every reliance was found to hold.
 */
import { type FoldedVoid, type FoldState, voidsKeptMax } from '../model/fold-state.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { ForgetEntry, VoidEntry } from '../model/repair-entry.ts'

/** Counts and remembers a void entry. */
export function withVoidAt(state: FoldState, found: FoldedVoid): FoldState {
  const voids = [...state.voids, found].slice(-voidsKeptMax)
  return { ...state, voids, voidCount: state.voidCount + 1 }
}

/** A stand-in is what it stands for: void. A notice tells those who folded on before. */
export function foldVoid(state: FoldState, index: EntryIndex, entry: VoidEntry): FoldState {
  if (entry.entry !== index) return state
  const { commitId, sha256 } = entry
  const because = `unreadable: its bytes with sha256 ${sha256} were stepped over by an operator`
  const steppedOver = [...state.steppedOver, index]
  return withVoidAt({ ...state, steppedOver }, { entry: index, commitId, because })
}

export const foldForget = (state: FoldState, { commits }: ForgetEntry): FoldState => ({
  ...state,
  forgotten: new Set([...state.forgotten, ...commits]),
})

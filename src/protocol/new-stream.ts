import { PersistentMap } from '../base/persistent-map.ts'
import type { FoldedStream } from '../model/fold-state.ts'

/** A stream that nothing is known of. */
export const newStream: FoldedStream = {
  progress: PersistentMap.empty(),
  partitions: PersistentMap.empty(),
  announcedNextMs: undefined,
}

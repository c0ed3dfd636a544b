import type { CompactBytes } from '../../src/codec/parquet/compact-bytes.ts'

/** All that was written since the last time, in bytes of its own. */
export function takenBytes(out: CompactBytes): Uint8Array {
  const taken = new Uint8Array(out.sizeBytes)
  out.moveTo(taken)
  return taken
}

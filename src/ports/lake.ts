/**
 * The lake's storage. All paths are relative to the lake's URL, with "/" between parts.
 *
 * A call that throws has an unknown outcome: it may have taken effect, or may still. Faults thrown
 * are `LAKE_UNAVAILABLE` (try again) and `LAKE_REFUSED` (permission, quota, no space).
 */
import type { UnixMs } from '../base/time.ts'

export interface LakeObject {
  readonly path: string
  readonly sizeBytes: number
  /** The lake's own clock when the object was last written. */
  readonly modifiedMs: UnixMs
}

export type PutOutcome = { readonly kind: 'created' } | { readonly kind: 'already-exists' }

/** What publishing one staged file came to. */
export type PublishOutcome =
  | { readonly kind: 'published' }
  /** The target stands with the size asked for: somebody did it before. */
  | { readonly kind: 'already-published' }
  /** Neither staged file nor target is there. */
  | { readonly kind: 'missing' }
  /** The target or the staged file stands with another size than the log says. */
  | { readonly kind: 'mismatch'; readonly foundBytes: number }

export interface PublishRequest {
  readonly stagedPath: string
  readonly path: string
  readonly sizeBytes: number
}

export interface Lake {
  /** As configured: "file:./lake". Manifests' locations are made from it. */
  readonly url: string

  /** Creates an object whole, durably, and never over another: of racing calls one wins. */
  putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome>

  /** Creates or replaces an object whole and durably; tells the lake's clock. */
  put(path: string, body: Uint8Array): Promise<LakeObject>

  /** The whole object, or undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>

  /** Bytes `[first, next)` of an object, or undefined when there is none. */
  readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined>

  stat(path: string): Promise<LakeObject | undefined>

  /** Objects below a folder, at any depth, sorted by path; empty when there is no such folder. */
  list(folder: string): Promise<readonly LakeObject[]>

  /**
   * Writes a file that no reader takes for data, durably, in the order of `chunks`.
   * `path` lies below `<table>/_staging/` and does not end in ".parquet".
   */
  stage(path: string, chunks: readonly Uint8Array[]): Promise<void>

  /** Makes a staged file visible at its path. Idempotent, by anyone. */
  publish(request: PublishRequest): Promise<PublishOutcome>

  /** Moves an object aside, never over another. Returns false when there is none. */
  move(from: string, to: string): Promise<boolean>

  /** Removes an object; does nothing when there is none. Empty parent folders may vanish. */
  remove(path: string): Promise<void>
}

/**
 * The lake's storage. All paths are relative to the lake's URL, with "/" between parts.
 *
 * A call that throws has an unknown outcome: it may have taken effect, or may still. Faults thrown
 * are `LAKE_UNAVAILABLE` (try again), `LAKE_REFUSED` (permission, quota, no space), and others of
 * that topic by which a storage says what is wrong with its address or its user.
 */
import type { DurationMs, UnixMs } from '../base/time.ts'

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

/** Where a file is staged, and where it will be visible. */
export interface StagedPlace {
  /**
   * Lies below `<table>/_staging/` and does not end in ".parquet". That of a tail lies beside the
   * file that grows, and its name begins with ".tail-".
   */
  readonly stagedPath: string
  /** Of this file alone: nobody stages another for it. Of a tail, the file that it is joined to. */
  readonly path: string
}

export interface StageRequest extends StagedPlace {
  /** The file, in order. */
  readonly chunks: readonly Uint8Array[]
}

export interface PublishRequest extends StagedPlace {
  readonly sizeBytes: number
}

export interface JoinRequest extends StagedPlace {
  /** What the file has before; */
  readonly baseBytes: number
  /** and what it has with the tail. */
  readonly sizeBytes: number
}

/**
 * Growing a published file by a staged tail, so that readers see the file without it or with all of
 * it, at every moment. A tail is used up by being joined: no two calls join it twice.
 *
 * @see docs/adr/0026-files-that-continue.md
 */
export interface LakeTails {
  /** Whether files in this folder can grow; tried out with two small objects of its own. */
  canJoinIn(folder: string): Promise<CanJoin>

  /**
   * Idempotent, by anyone. `already-published`: the file has its new length. `missing`: there is no
   * such file, or it has its old length and the tail is gone. `mismatch`: it has neither length,
   * and nothing was changed.
   */
  join(request: JoinRequest): Promise<PublishOutcome>
}

export type CanJoin =
  | { readonly kind: 'joins' }
  /** As the storage says it: the folder is erasure-coded, encrypted, or something else. */
  | { readonly kind: 'refuses'; readonly reason: string }

export interface StorageRule {
  /** A sentence without its full stop. */
  readonly says: string
  /** It ends uploads that are decided and not published, whose writer may be away for days. */
  readonly endsUploads: boolean
}

/** What a storage is told to do by itself with objects of the lake. */
export type StorageRules =
  /** Those that work against the lake. */
  | { readonly kind: 'told'; readonly against: readonly StorageRule[] }
  /** It knows none, or we may not ask. */
  | { readonly kind: 'unknown'; readonly reason: string }

export interface Lake {
  /** As configured: "file:./lake". Manifests' locations are made from it. */
  readonly url: string

  /** Absent where files never grow. */
  readonly tails?: LakeTails

  /**
   * Absent where a storage has no rules. Throws no fault.
   *
   * @param folders what is ours in the lake; what reaches into none of them is of others.
   */
  rules?(folders: readonly string[], signal: AbortSignal): Promise<StorageRules>

  /** Creates an object whole, durably, and never over another: of racing calls one wins. */
  putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome>

  /**
   * Creates or replaces an object whole and durably; tells the lake's clock.
   *
   * @param signal once it is aborted, no request that could replace the object is begun any more,
   *   and the call throws.
   */
  put(path: string, body: Uint8Array, signal?: AbortSignal): Promise<LakeObject>

  /**
   * What a put had under way when its signal was aborted may take effect for so long after that,
   * and not later.
   */
  readonly lingersMs: DurationMs

  /** The whole object, or undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>

  /** Bytes `[first, next)` of an object, or undefined when there is none. */
  readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined>

  stat(path: string): Promise<LakeObject | undefined>

  /** Objects below a folder, at any depth, sorted by path; empty when there is no such folder. */
  list(folder: string): Promise<readonly LakeObject[]>

  /**
   * Keeps a file durably that nobody sees before it is published. What stands at the staged path is
   * the storage's own affair. Called again, it replaces what was staged before.
   *
   * A journal that names both paths must stand before: what is left of a call that did not come to
   * its end is found by them, or lies beside them under a name that holds theirs.
   *
   * @returns where it stands, which the log must name: as asked for, or of a tail beside it.
   */
  stage(request: StageRequest): Promise<string>

  /** Makes a staged file visible at its path. Idempotent, by anyone. */
  publish(request: PublishRequest): Promise<PublishOutcome>

  /** Takes away what was staged, or begun to be; does nothing when there is none. */
  discard(place: StagedPlace): Promise<void>

  /** Moves an object aside, never over another. Returns false when there is none. */
  move(from: string, to: string): Promise<boolean>

  /** Removes an object; does nothing when there is none. Empty parent folders may vanish. */
  remove(path: string): Promise<void>
}

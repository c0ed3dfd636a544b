import type { DurationMs } from '../base/time.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'

/** A place that announcements are delivered to. One object per configured target. */
export interface Notifier {
  /** Stable name from the configuration: "webhook:https://scheduler/hook", "success-file". */
  readonly target: string
  /**
   * True where the target can be asked what it shows. Its delivery then counts as acknowledged only
   * by a read-back; elsewhere the end of `deliver` is the acknowledgement.
   */
  readonly readable: boolean
  /**
   * What was under way when its signal was aborted may be written for so long after that, and not
   * later; absent: nothing is.
   */
  readonly lingersMs?: DurationMs
  /** Of how many streams it takes deliveries at a time, at most; absent: of as many as come. */
  readonly atOnceMax?: number
  /**
   * Delivers one announcement. Idempotent at the receiver by the manifest's id; never replaces a
   * newer revision. Nothing is begun after `signal` was aborted.
   * @throws {Fault} `NOTIFY_FAILED`, or a fault of the lake: try again later.
   */
  deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void>
  /**
   * True when the target shows this revision or a newer one. Asked of readable targets only.
   * @throws {Fault} as `deliver`.
   */
  readBack(manifest: ReadyManifest, signal: AbortSignal): Promise<boolean>
  /**
   * Of a target that shows partitions before they are announced: shows these, which have files.
   * Idempotent. Absent: the target hears of announcements only.
   * @throws {Fault} as `deliver`.
   */
  readonly showOpen?: (
    stream: string,
    paths: readonly PartitionPath[],
    signal: AbortSignal,
  ) => Promise<void>
  /** Lets go of connections. A delivery after it opens them again. Never throws. */
  close(): Promise<void>
}

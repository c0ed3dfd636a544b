import type { ReadyManifest } from '../model/ready-manifest.ts'

/** A place that announcements are delivered to. One object per configured target. */
export interface Notifier {
  /** Stable name from the configuration: "webhook:https://scheduler/hook", "success-file". */
  readonly target: string
  /**
   * Delivers one announcement. Idempotent at the receiver by the manifest's id.
   * @throws {Fault} `NOTIFY_FAILED`: try again later.
   */
  deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void>
  /** True when the target shows this revision or a newer one, or cannot be read at all. */
  readBack(manifest: ReadyManifest, signal: AbortSignal): Promise<boolean>
}

import { Fault } from '../base/fault.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Notifier } from '../ports/notifier.ts'

/** What became of one delivery. */
export interface Sent {
  readonly target: string
  /** Undefined when it was acknowledged. */
  readonly error: string | undefined
}

/**
 * Delivers once, and closes the target. What is wrong with one target is told of that one: others
 * have been delivered to meanwhile, and whoever asked must know to which.
 */
export async function deliverOnce(
  notifier: Notifier,
  manifest: ReadyManifest,
  attemptMs: number,
): Promise<Sent> {
  const { target } = notifier
  const signal = AbortSignal.timeout(attemptMs)
  try {
    await notifier.deliver(manifest, signal)
    // One that can be asked leaves the delivery undone when the time is up, and says nothing.
    if (!notifier.readable || (await notifier.readBack(manifest, signal))) {
      return { target, error: undefined }
    }
    const error = `does not show revision ${manifest.revision} after ${attemptMs} ms at most`
    return { target, error }
  } catch (error) {
    // Told as the answer, of this target. What is no fault is our mistake, and ends the command.
    if (error instanceof Fault) return { target, error: error.message }
    throw error
  } finally {
    await notifier.close()
  }
}

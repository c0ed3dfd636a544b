import type { DurationMs } from '../base/time.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Lake } from '../ports/lake.ts'
import type { Notifier } from '../ports/notifier.ts'
import { encodeManifest } from '../protocol/readiness-manifest.ts'

/**
 * The file `_SUCCESS` in the folder of each announced partition, which schedulers of the Hadoop
 * world wait for. It holds the manifest: read back, it says which revision stands.
 */
export class SuccessFile implements Notifier {
  readonly target: string
  readonly readable = true
  readonly #lake: Lake

  constructor(target: string, lake: Lake) {
    this.target = target
    this.#lake = lake
  }

  get lingersMs(): DurationMs {
    return this.#lake.lingersMs
  }

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const shown = await this.#revisionAt(successPathOf(manifest))
    if (shown > manifest.revision || signal.aborted) return
    await this.#lake.put(successPathOf(manifest), encodeManifest(manifest), signal)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async readBack(manifest: ReadyManifest): Promise<boolean> {
    return (await this.#revisionAt(successPathOf(manifest))) >= manifest.revision
  }

  /** 0 where there is no such file, or one that is not ours: it is replaced. */
  async #revisionAt(path: string): Promise<number> {
    const body = await this.#lake.read(path)
    if (body === undefined) return 0
    try {
      const shown: unknown = JSON.parse(new TextDecoder().decode(body))
      if (typeof shown !== 'object' || shown === null || !('revision' in shown)) return 0
      return typeof shown.revision === 'number' ? shown.revision : 0
    } catch {
      return 0
    }
  }
}

/** "ods_app_events/dt=2026-11-20/hour=13/_SUCCESS" */
const successPathOf = ({ table, partitionPath }: ReadyManifest): string =>
  `${table}/${partitionPath}/_SUCCESS`

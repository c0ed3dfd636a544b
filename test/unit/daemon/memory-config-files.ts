/** Files and environment held in memory, below the folder "/etc/growth". */
import { posix } from 'node:path'
import { Fault } from '../../../src/base/fault.ts'
import type { ConfigFiles } from '../../../src/ports/config-files.ts'

export const folder = '/etc/growth'

export class MemoryConfigFiles implements ConfigFiles {
  readonly #texts: ReadonlyMap<string, string>
  readonly #environment: Readonly<Record<string, string>>
  /** Paths that are there and cannot be read. */
  readonly unreadable = new Set<string>()
  /** Files that are no text, by absolute path. */
  readonly bytes = new Map<string, Uint8Array>()

  constructor(
    texts: Readonly<Record<string, string>>,
    environment: Readonly<Record<string, string>> = {},
  ) {
    const paths = Object.entries(texts).map(([path, text]) => [this.absolute(path), text] as const)
    this.#texts = new Map(paths)
    this.#environment = environment
  }

  absolute(path: string): string {
    return posix.resolve(folder, path)
  }

  async readText(path: string): Promise<string | undefined> {
    const file = this.absolute(path)
    if (this.unreadable.has(file)) {
      throw new Fault('CONFIG_UNREADABLE', { file, reason: 'permission denied' })
    }
    return this.#texts.get(file)
  }

  async readBytes(path: string): Promise<Uint8Array | undefined> {
    const bytes = this.bytes.get(this.absolute(path))
    if (bytes !== undefined) return bytes
    const text = await this.readText(path)
    return text === undefined ? undefined : new TextEncoder().encode(text)
  }

  async listFiles(path: string): Promise<readonly string[]> {
    const parent = this.absolute(path)
    const files = [...this.#texts.keys()].filter((file) => posix.dirname(file) === parent)
    return files.map((file) => posix.basename(file)).sort()
  }

  environment(name: string): string | undefined {
    return this.#environment[name]
  }
}

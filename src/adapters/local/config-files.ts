/**
 * Files and environment of the machine, as configuration needs them.
 *
 * - A file that is not there is no fault: the caller knows whether it must be.
 * - Text is UTF-8, checked; a mark at its start is taken away.
 * - Everything is read once, at start; nothing is watched.
 */
import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fault } from '../../base/fault.ts'
import type { ConfigFiles } from '../../ports/config-files.ts'
import { isAbsent } from './file-errors.ts'

const fileSizeMax = 16 * 1_048_576

export class LocalConfigFiles implements ConfigFiles {
  absolute(path: string): string {
    return resolve(path)
  }

  async readText(path: string): Promise<string | undefined> {
    const bytes = await this.readBytes(path)
    try {
      return bytes && new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch (error) {
      throw unreadable(path, error)
    }
  }

  async readBytes(path: string): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readFile(path)
      if (bytes.length > fileSizeMax) throw new Error(`it has ${bytes.length} bytes`)
      return bytes
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw unreadable(path, error)
    }
  }

  async listFiles(folder: string): Promise<readonly string[]> {
    try {
      const entries = await readdir(folder, { withFileTypes: true })
      const files = entries.filter((entry) => !entry.isDirectory())
      return files.map((entry) => entry.name).sort()
    } catch (error) {
      if (isAbsent(error)) return []
      throw unreadable(folder, error)
    }
  }

  environment(name: string): string | undefined {
    return process.env[name]
  }
}

function unreadable(file: string, error: unknown): Fault {
  const reason = error instanceof Error ? error.message : String(error)
  return new Fault('CONFIG_UNREADABLE', { file, reason }, { cause: error })
}

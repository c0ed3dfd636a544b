/** Damage to a lake that a test plants and takes back. */
import { copyFile, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { onTestFinished } from 'vitest'
import { duck } from './duck.ts'

export interface LoggedFile {
  readonly path: string
  sizeBytes: number
  rowCount: number
  crc32c: string
  readonly stream: string
  readonly partitionPath: string
}

interface LoggedEntry {
  readonly kind: string
  readonly body: { readonly inline: { readonly files: LoggedFile[] } }
}

export class DamagedLake {
  readonly folder: string
  readonly #log: string

  constructor(folder: string, pipeline: string) {
    this.folder = folder
    this.#log = join(folder, '_lakeward', pipeline, 'log', '00000000')
  }

  /** Every file of the log with the path of its entry. */
  async files(): Promise<readonly { file: LoggedFile; entryFile: string }[]> {
    const found: { file: LoggedFile; entryFile: string }[] = []
    for (const name of (await readdir(this.#log)).sort()) {
      const entryFile = join(this.#log, name)
      const entry = JSON.parse(await readFile(entryFile, 'utf8')) as LoggedEntry
      if (entry.kind !== 'append') continue
      for (const file of entry.body.inline.files) found.push({ file, entryFile })
    }
    return found
  }

  entryFile(index: number): string {
    return join(this.#log, `${String(index).padStart(20, '0')}.json`)
  }

  /** Puts a file back as it is now when the test ends. */
  async keep(file: string): Promise<void> {
    const aside = `${file}.kept`
    await copyFile(file, aside)
    onTestFinished(() => rename(aside, file))
  }

  async remove(path: string): Promise<void> {
    const file = join(this.folder, path)
    await this.keep(file)
    await rm(file)
  }

  /** Until the test ends the log is read from its entries alone. */
  async removeCheckpoints(): Promise<void> {
    const folder = join(this.#log, '..', '..', 'checkpoints')
    const aside = `${folder}-kept`
    await rename(folder, aside)
    onTestFinished(async () => {
      await rm(folder, { recursive: true, force: true })
      await rename(aside, folder)
    })
  }

  /** Changes one byte in the middle. */
  async flip(path: string): Promise<void> {
    const file = join(this.folder, path)
    await this.keep(file)
    const bytes = await readFile(file)
    const middle = Math.floor(bytes.length / 2)
    bytes[middle] = (bytes[middle] ?? 0) ^ 0x5a
    await writeFile(file, bytes)
  }

  /**
   * Writes a file anew by a foreign writer.
   *
   * @param select a query over `rows`, which are the file's.
   * @param patch what the log is made to say of it, besides size and checksum; undefined: the log
   *   stays as it is.
   */
  async rewrite(path: string, select: string, patch?: Partial<LoggedFile>): Promise<void> {
    const file = join(this.folder, path)
    await this.keep(file)
    const rows = `(SELECT *, row_number() OVER () AS nth FROM read_parquet('${file}.kept'))`
    const query = select.replaceAll('rows', rows)
    await duck(`COPY (SELECT * EXCLUDE (nth) FROM (${query})) TO '${file}' (FORMAT parquet)`)
    if (patch === undefined) return
    const bytes = await readFile(file)
    const checksum = (crc32c(bytes) >>> 0).toString(16).padStart(8, '0')
    await this.patch(path, { ...patch, sizeBytes: bytes.length, crc32c: checksum })
  }

  /** Makes the log say something else of a file. */
  async patch(path: string, patch: Partial<LoggedFile>): Promise<void> {
    const found = (await this.files()).find(({ file }) => file.path === path)
    if (found === undefined) throw new Error(`"${path}" is in the log`)
    await this.edit(found.entryFile, (entry) => {
      const logged = (entry as unknown as LoggedEntry).body.inline.files
      Object.assign(logged.find((file) => file.path === path) ?? {}, patch)
    })
  }

  async edit(entryFile: string, change: (entry: Record<string, unknown>) => void): Promise<void> {
    await this.keep(entryFile)
    const entry = JSON.parse(await readFile(entryFile, 'utf8')) as Record<string, unknown>
    change(entry)
    await writeFile(entryFile, JSON.stringify(entry))
  }

  async copy(from: string, to: string): Promise<void> {
    const file = join(this.folder, to)
    await copyFile(join(this.folder, from), file)
    onTestFinished(() => rm(file))
  }

  async sizeOf(path: string): Promise<number> {
    return (await stat(join(this.folder, path))).size
  }
}

/**
 * A reader of a table on HDFS that looks again and again, as clients of Hadoop do: at a file's
 * length and the footer before it, then at the file from its first byte to the end that it has.
 *
 * - It asks WebHDFS itself: nothing of our client is between it and what stands.
 * - A look during which somebody does not answer is none, but a file that was listed must be there.
 * - What one look has seen is in the next one too.
 * - Where pyarrow is there, it reads the same bytes and finds as many rows.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readFooterRows } from '../../src/audit/footer-rows.ts'
import { readParquetRows } from '../../src/codec/parquet/read-file.ts'
import type { PyarrowRows } from './pyarrow-rows.ts'

interface Listed {
  readonly pathSuffix: string
  readonly type: string
  readonly length: number
}

const pauseMs = 20
const isHidden = (name: string): boolean => name.startsWith('.') || name.startsWith('_')

class NoAnswer extends Error {}
class Wrong extends Error {}

export class LookingReader {
  readonly #root: string
  readonly #ended: Promise<void>
  readonly #pyarrow: PyarrowRows | undefined
  #isEnding = false
  #rows = 0
  looks = 0
  /** What looks found wrong. */
  readonly wrong: string[] = []

  /** @param address of the namenode. @param table its folder: "/lakeward/test-1/orders". */
  constructor(address: string, table: string, pyarrow?: PyarrowRows) {
    this.#pyarrow = pyarrow
    this.#root = `http://${address}/webhdfs/v1`
    this.#ended = this.#lookOn(table)
  }

  /** Rows at the last look; undefined until there are as many. */
  sees(rows: number): number | undefined {
    if (this.wrong.length > 0) throw new Error(this.wrong.join('\n'))
    return this.#rows >= rows ? this.#rows : undefined
  }

  async close(): Promise<void> {
    this.#isEnding = true
    await this.#ended
  }

  async #lookOn(table: string): Promise<void> {
    while (!this.#isEnding) {
      try {
        await this.#look(table)
        this.looks++
      } catch (error) {
        if (!(error instanceof NoAnswer)) this.wrong.push(String(error))
      }
      await sleep(pauseMs)
    }
  }

  async #look(table: string): Promise<void> {
    const seen = new Set<string>()
    let rows = 0
    for (const path of await this.#filesBelow(table)) {
      const told = await this.#rowsByFooter(path)
      const whole = await this.#opened(path)
      const found = await readParquetRows(whole)
      const read = (await this.#readByPyarrow(path, whole)) ?? found.length
      if (read !== found.length)
        throw new Wrong(`${path}: pyarrow finds ${read} of ${found.length}`)
      if (found.length < told) throw new Wrong(`${path}: ${found.length} rows after ${told}`)
      for (const row of found) seen.add(`${Number(row['_partition'])} ${Number(row['_offset'])}`)
      rows += found.length
    }
    if (seen.size !== rows) throw new Wrong(`${rows} rows of ${seen.size} records`)
    if (rows < this.#rows) throw new Wrong(`${rows} rows after ${this.#rows}`)
    this.#rows = rows
  }

  async #readByPyarrow(path: string, whole: Uint8Array): Promise<number | undefined> {
    try {
      return await this.#pyarrow?.rowsOf(whole)
    } catch (error) {
      throw new Wrong(`${path}: ${String(error)}`)
    }
  }

  async #rowsByFooter(path: string): Promise<number> {
    const { FileStatus } = (await this.#json(path, 'GETFILESTATUS')) as { FileStatus: Listed }
    const footer = await readFooterRows(FileStatus.length, (first, next) =>
      this.#opened(path, `&offset=${first}&length=${next - first}`),
    )
    if (footer.kind === 'unreadable') throw new Wrong(`${path}: ${footer.why}`)
    return footer.rowCount
  }

  async #filesBelow(folder: string): Promise<readonly string[]> {
    const answer = await this.#asked(folder, 'LISTSTATUS')
    if (answer.status === 404) return []
    const listed = (await answer.json()) as { FileStatuses: { FileStatus: Listed[] } }
    const shown = listed.FileStatuses.FileStatus.filter(({ pathSuffix }) => !isHidden(pathSuffix))
    const paths: string[] = []
    for (const { pathSuffix, type } of shown) {
      const path = `${folder}/${pathSuffix}`
      if (type === 'DIRECTORY') paths.push(...(await this.#filesBelow(path)))
      else paths.push(path)
    }
    return paths
  }

  async #json(path: string, op: string): Promise<unknown> {
    return (await this.#stood(path, op)).json()
  }

  async #opened(path: string, range = ''): Promise<Uint8Array> {
    const answer = await this.#stood(path, `OPEN${range}`)
    try {
      return new Uint8Array(await answer.arrayBuffer())
    } catch (error) {
      throw new NoAnswer(path, { cause: error })
    }
  }

  async #stood(path: string, op: string): Promise<Response> {
    const answer = await this.#asked(path, op)
    if (answer.status === 404) throw new Wrong(`${path} is gone`)
    return answer
  }

  /** @returns what is there, or that nothing is. */
  async #asked(path: string, op: string): Promise<Response> {
    const url = `${this.#root}${encodeURI(path)}?user.name=reader&op=${op}`
    const answer = await fetch(url).catch((error: unknown) => {
      throw new NoAnswer(url, { cause: error })
    })
    if (answer.status !== 200 && answer.status !== 404) throw new NoAnswer(await answer.text())
    return answer
  }
}

/**
 * Looks at a table on HDFS as its clients take them, by WebHDFS itself: nothing of our client is
 * between them and what stands.
 *
 *     new ReaderLoop('by length', new HdfsLooks('127.0.0.1:9870', '/lake/orders').byLength)
 *
 * A file that was listed must be there, and be a file of Parquet from its first byte to its end.
 */
import { readFooterRows } from '../../src/audit/footer-rows.ts'
import { readParquetRows } from '../../src/codec/parquet/read-file.ts'
import type { PyarrowRows } from './pyarrow-rows.ts'
import { NoAnswer, type Seen } from './reader-loop.ts'

interface Listed {
  readonly pathSuffix: string
  readonly type: string
  readonly length: number
}

const isHidden = (name: string): boolean => name.startsWith('.') || name.startsWith('_')

export class HdfsLooks {
  readonly #root: string
  readonly #table: string

  /** @param address of the namenode. @param table its folder: "/lakeward/test-1/orders". */
  constructor(address: string, table: string) {
    this.#root = `http://${address}/webhdfs/v1`
    this.#table = table
  }

  /** As Hadoop's clients read: the length by GETFILESTATUS, the footer before it, all of it. */
  readonly byLength = (): Promise<Seen> =>
    this.#look(async (path) => {
      const { FileStatus } = (await this.#json(path, 'GETFILESTATUS')) as { FileStatus: Listed }
      const { length } = FileStatus
      const footer = await readFooterRows(length, (first, next) =>
        this.#opened(path, `&offset=${first}&length=${next - first}`),
      )
      if (footer.kind === 'unreadable') throw new Error(`${path} at ${length}: ${footer.why}`)
      const found = await taken(
        path,
        await this.#opened(path, `&offset=0&length=${length}`),
        readParquetRows,
      )
      if (found.length === footer.rowCount) return found
      throw new Error(`${path}: ${found.length} rows, its footer tells ${footer.rowCount}`)
    })

  /** As most readers of HTTP: everything that a plain OPEN gives. */
  readonly byOpen = (): Promise<Seen> =>
    this.#look(async (path) => taken(path, await this.#opened(path), readParquetRows))

  /** The same bytes, read by pyarrow. */
  readonly byPyarrow =
    (pyarrow: PyarrowRows): (() => Promise<Seen>) =>
    async () => {
      let rows = 0
      for (const path of await this.#filesBelow(this.#table)) {
        const whole = await this.#opened(path)
        rows += await taken(path, whole, (bytes) => pyarrow.rowsOf(bytes))
      }
      return { rows, records: undefined }
    }

  async #look(read: (path: string) => Promise<Rows>): Promise<Seen> {
    const records = new Set<string>()
    let rows = 0
    for (const path of await this.#filesBelow(this.#table)) {
      const found = await read(path)
      for (const row of found) records.add(`${Number(row['_partition'])} ${Number(row['_offset'])}`)
      rows += found.length
    }
    return { rows, records: records.size }
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
    if (answer.status === 404) throw new Error(`${path} is gone`)
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

type Rows = Awaited<ReturnType<typeof readParquetRows>>

/** @throws {Error} what is wrong with a file that was got whole, with its path. */
async function taken<T>(
  path: string,
  whole: Uint8Array,
  read: (whole: Uint8Array) => Promise<T>,
): Promise<T> {
  try {
    return await read(whole)
  } catch (error) {
    throw new Error(`${path}, ${whole.length} bytes: ${String(error)}`, { cause: error })
  }
}

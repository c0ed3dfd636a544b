/** pyarrow as a process that reads one file after the other, whole. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { python } from './require-service.ts'

const script = new URL('pyarrow-rows.py', import.meta.url).pathname

export class PyarrowRows {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  readonly #lines: Interface
  files = 0

  constructor() {
    this.#child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    const { stdout } = this.#child
    if (stdout === null) throw new Error('pyarrow has no stdout')
    this.#lines = createInterface({ input: stdout })
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  /** One at a time. @throws {Error} pyarrow does not take it for Parquet. */
  async rowsOf(file: Uint8Array): Promise<number> {
    const head = Buffer.alloc(8)
    head.writeBigUInt64LE(BigInt(file.byteLength))
    this.#child.stdin?.write(head)
    this.#child.stdin?.write(file)
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error('pyarrow ended')
    const { rows, wrong } = JSON.parse(value) as { rows?: number; wrong?: string }
    if (rows === undefined) throw new Error(`pyarrow: ${wrong}`)
    this.files++
    return rows
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await exited
    this.#lines.close()
  }
}

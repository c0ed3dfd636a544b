/** One member's process as the record sees it: its share, and at its end when its records came. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { EndLine, ShareLine } from './member.ts'

export class Worker {
  readonly share = new Set<number>()
  /** Changes of the share, in order. */
  readonly changes: ShareLine[] = []
  readonly #child: ChildProcess
  #end: EndLine | undefined

  /** @param words as `member.ts` takes them. */
  constructor(words: readonly string[]) {
    const script = join(import.meta.dirname, 'member.ts')
    this.#child = spawn(process.execPath, [script, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { stdout } = this.#child
    if (stdout === null) throw new Error('a piped process has its output')
    createInterface({ input: stdout }).on('line', (line) => this.#hear(line))
  }

  #hear(line: string): void {
    // Our own script's.
    const told = JSON.parse(line) as ShareLine | EndLine
    if (told.event === 'ended') {
      this.#end = told
      return
    }
    this.changes.push(told)
    for (const partition of told.partitions) {
      if (told.event === 'assigned') this.share.add(partition)
      else this.share.delete(partition)
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#endedBy('SIGKILL')
  }

  /** SIGTERM. @returns when records of each partition came. */
  async stop(): Promise<EndLine['arrivals']> {
    await this.#endedBy('SIGTERM')
    if (this.#end === undefined) throw new Error('a member ended without what it kept')
    return this.#end.arrivals
  }

  async #endedBy(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill(signal)
    await closed
  }
}

/** Processes that are measured: each is started in its place and ended by its own pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Placement } from './machine.ts'

const linesKept = 10

/** A process with its output, line by line. */
export class MeasuredProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown[]>
  readonly #lastErrors: string[] = []
  #stopping = false

  constructor(placement: Placement, command: readonly string[]) {
    const [program = '', ...words] = [...placement.words, ...command]
    this.#child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#exited = once(this.#child, 'exit')
    // Whoever breaks a benchmark off leaves nothing behind.
    const end = (): void => void this.#child.kill('SIGKILL')
    process.once('exit', end)
    this.#child.once('exit', () => process.off('exit', end))
    this.onLine('stderr', (line) => {
      this.#lastErrors.push(line)
      if (this.#lastErrors.length > linesKept) this.#lastErrors.shift()
    })
  }

  /** `nice` and `taskset` become the command: the pid is that of what is measured. */
  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Calls back for each line of stdout or stderr. */
  onLine(stream: 'stdout' | 'stderr', onLine: (line: string) => void): void {
    const input = this.#child[stream]
    if (input !== null) createInterface({ input }).on('line', onLine)
  }

  /** Resolves with the first line that a function makes something of. */
  firstOf<T>(stream: 'stdout' | 'stderr', read: (line: string) => T | undefined): Promise<T> {
    const found = new Promise<T>((resolve) => {
      this.onLine(stream, (line) => {
        const value = read(line)
        if (value !== undefined) resolve(value)
      })
    })
    return Promise.race([found, this.#endedEarly()])
  }

  /** Asks the process to end, once. */
  askToEnd(): void {
    if (!this.#stopping) this.#child.kill('SIGTERM')
    this.#stopping = true
  }

  /** Has the process end. @throws {Error} it ended with something else than 0. */
  async stop(): Promise<void> {
    this.askToEnd()
    const [code, signal] = await this.#exited
    if (code !== 0 && signal !== 'SIGTERM') throw new Error(`process ended with ${String(code)}`)
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#stopping = true
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async #endedEarly(): Promise<never> {
    const [code, signal] = await this.#exited
    const tail = this.#lastErrors.join('\n')
    throw new Error(`process ended with ${String(code ?? signal)} before it was done:\n${tail}`)
  }
}

/** Runs a command to its end. @returns the JSON of its last line. */
export async function lastJsonOf(
  placement: Placement,
  command: readonly string[],
): Promise<Record<string, unknown>> {
  const [program = '', ...words] = [...placement.words, ...command]
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let last = ''
  for await (const line of createInterface({ input: child.stdout })) last = line
  const [code] = await exited
  if (code !== 0) throw new Error(`"${command.slice(0, 2).join(' ')}" ended with ${String(code)}`)
  return JSON.parse(last) as Record<string, unknown>
}

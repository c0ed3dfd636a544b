/** Real lakeward processes for system tests: started, signalled and awaited by their own pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ourNodeFlags, ourScript } from '../../bench/measure/our-command.ts'
import { untilStopped } from '../system/services/service-processes.ts'

interface LakewardProcessOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Hears each line as it comes. */
  readonly onLine?: (line: string) => void
}

/** One process of lakeward, with what it logged. */
export class LakewardProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  readonly stdout: string[] = []
  readonly stderr: string[] = []
  readonly #onLine: ((line: string) => void) | undefined
  #waiters: { matches: (line: string) => boolean; found: (line: string) => void }[] = []

  /** @param args of the command line: `['run', '-c', 'lakeward.yaml']`. */
  constructor(args: readonly string[], options: LakewardProcessOptions = {}) {
    this.#onLine = options.onLine
    this.#child = spawn(process.execPath, [...ourNodeFlags, ourScript, ...args], {
      cwd: options.cwd ?? process.cwd(),
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exited = once(this.#child, 'exit').then(([code]) => code as number | null)
    this.#collect(this.#child.stdout, this.stdout)
    this.#collect(this.#child.stderr, this.stderr)
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** SIGSTOP. Ends when it does nothing any more, which is some moments after the signal. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP')
    await untilStopped(this.pid)
  }

  /** The exit code; null after a signal. */
  exited(): Promise<number | null> {
    return this.#exited
  }

  /** The first line, of those to come or already there, that has `text` in it. */
  line(text: string): Promise<string> {
    const matches = (line: string): boolean => line.includes(text)
    const known = [...this.stdout, ...this.stderr].find(matches)
    if (known !== undefined) return Promise.resolve(known)
    const early = this.#exited.then((code) => {
      const tail = this.stderr.slice(-15).join('\n')
      throw new Error(`process ended (${code}) before it said "${text}":\n${tail}`)
    })
    const found = new Promise<string>((resolve) => this.#waiters.push({ matches, found: resolve }))
    return Promise.race([found, early])
  }

  /** SIGTERM, and the exit code. */
  async stop(): Promise<number | null> {
    if (this.running) this.signal('SIGTERM')
    return await this.#exited
  }

  /** For `afterEach`: nothing that a test started survives it. */
  async kill(): Promise<void> {
    if (this.running) this.signal('SIGKILL')
    await this.#exited
  }

  #collect(stream: NodeJS.ReadableStream | null, into: string[]): void {
    if (stream === null) return
    createInterface({ input: stream }).on('line', (line) => {
      into.push(line)
      this.#onLine?.(line)
      for (const waiter of this.#waiters.filter(({ matches }) => matches(line))) waiter.found(line)
      this.#waiters = this.#waiters.filter(({ matches }) => !matches(line))
    })
  }
}

/** Runs a command to its end. */
export async function lakeward(
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const running = new LakewardProcess(args, options)
  const code = await running.exited()
  return { code, stdout: running.stdout.join('\n'), stderr: running.stderr.join('\n') }
}

/** One place for a worker process: whoever holds it, and how it is hit. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { CommitPhase } from '../support/commit-phase.ts'
import { LakewardProcess } from '../support/processes.ts'
import { killAtExit } from './children.ts'
import type { Known, LakeWatch } from './lake-watch.ts'

const stepsMsMax = 5_000

export class Worker {
  readonly #process: LakewardProcess
  readonly #logPath: string
  readonly #forget: () => void
  #ending = false
  /** Commits that do not show that it is at work since it was started, or hit. */
  #commitsKnown = 0

  /** @param folder of the run: what the process said is kept there. */
  constructor(folder: string, args: readonly string[]) {
    this.#process = new LakewardProcess(args)
    this.#logPath = join(folder, 'workers.log')
    this.#forget = killAtExit(() => this.#process.signal('SIGKILL'))
  }

  /** What the process ended with by itself; undefined while it runs or was ended by us. */
  get troubleText(): string | undefined {
    if (this.#ending || this.#process.running) return undefined
    return `a worker ended by itself:\n${this.#process.stderr.slice(-5).join('\n')}`
  }

  get #lines(): readonly string[] {
    return [...this.#process.stdout, ...this.#process.stderr]
  }

  /** How many commits it told of. */
  get #commitCount(): number {
    return this.#lines.filter((line) => line.includes('"event":"committed"')).length
  }

  async writerId(): Promise<string> {
    const line = await this.#process.line('"event":"started"')
    return (JSON.parse(line) as { writerId: string }).writerId
  }

  /** It has committed since it was started, or hit. */
  get isAtWork(): boolean {
    return this.#commitCount > this.#commitsKnown
  }

  /** It has to commit before it counts as being at work again. */
  markHit(): void {
    this.#commitsKnown = this.#commitCount
  }

  /**
   * Lets it go on in small steps until it is in this phase or some seconds are over, and leaves it
   * stopped: phases last milliseconds. Whoever looks at a running process finds it elsewhere.
   */
  async stopIn(phase: CommitPhase, watch: LakeWatch, known: Known): Promise<string> {
    const writer = await this.writerId()
    const endMs = performance.now() + stepsMsMax
    for (let seen = ''; ; ) {
      await turn()
      this.#process.signal('SIGSTOP')
      const trace = watch.trace()
      if (trace !== seen && (await watch.phaseOf(writer, known)) === phase) return writer
      if (performance.now() > endMs) return writer
      seen = trace
      this.#process.signal('SIGCONT')
    }
  }

  goOn(): void {
    this.#process.signal('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#ending = true
    await this.#process.kill()
    this.#close()
  }

  /** SIGTERM. @throws {Error} it did not drain. */
  async drain(): Promise<void> {
    this.#ending = true
    const code = await this.#process.stop()
    this.#close()
    if (code !== 0)
      throw new Error(`a worker drained with ${code}: ${this.#lines.slice(-5).join('\n')}`)
  }

  #close(): void {
    this.#forget()
    appendFileSync(this.#logPath, `${this.#lines.join('\n')}\n`)
  }
}

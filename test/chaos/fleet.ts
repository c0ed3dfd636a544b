/** `lakeward run --workers N`: the supervisor of a round, its log, and the places of its workers. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'
import { LakewardProcess } from '../support/processes.ts'
import { killAtExit } from './children.ts'
import { type LogLine, Place } from './place.ts'

const commitMsMax = 180_000

export class Fleet {
  readonly #supervisor: LakewardProcess
  readonly #logPath: string
  readonly #forget: () => void
  readonly places: readonly Place[]

  /** @param folder of the run: what the processes said is kept there. */
  constructor(folder: string, configPath: string, workerCount: number) {
    this.#logPath = join(folder, 'workers.log')
    this.places = Array.from({ length: workerCount }, (_, index) => new Place(index))
    this.#supervisor = new LakewardProcess(
      ['run', '-c', configPath, '--workers', `${workerCount}`],
      { onLine: (line) => this.#hear(line) },
    )
    this.#forget = killAtExit(() => this.#killAll())
  }

  /** @throws {Error} a process ended that nobody killed. */
  throwTroubles(): void {
    const troubles = this.places.flatMap(({ troubleText }) => troubleText ?? [])
    if (!this.#supervisor.running) troubles.push('the supervisor ended by itself')
    if (troubles.length > 0) throw new Error([...troubles, ...this.#lastLines].join('\n'))
  }

  async atWork(): Promise<void> {
    await eventually('each worker commits', commitMsMax, () =>
      this.places.every(({ isAtWork, troubleText }) => isAtWork || troubleText !== undefined)
        ? true
        : undefined,
    )
    this.throwTroubles()
  }

  /** SIGTERM. @throws {Error} not every worker drained. */
  async drain(): Promise<void> {
    const code = await this.#supervisor.stop()
    this.#close()
    if (code !== 0) throw new Error(`drained with ${code}: ${this.#lastLines.join('\n')}`)
  }

  async kill(): Promise<void> {
    this.#killAll()
    await this.#supervisor.exited()
    this.#close()
  }

  get #lastLines(): readonly string[] {
    return this.#supervisor.stderr.slice(-5)
  }

  /** The supervisor first: it would start others. */
  #killAll(): void {
    if (this.#supervisor.running) this.#supervisor.signal('SIGKILL')
    for (const place of this.places) place.signal('SIGKILL')
  }

  #hear(line: string): void {
    if (!line.startsWith('{')) return
    const said = JSON.parse(line) as LogLine
    if (said.worker !== undefined) this.places[said.worker]?.hear(said)
  }

  #close(): void {
    this.#forget()
    const { stdout, stderr } = this.#supervisor
    appendFileSync(this.#logPath, `${[...stdout, ...stderr].join('\n')}\n`)
  }
}

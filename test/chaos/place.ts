/** One place of the supervised workers: whoever holds it, how it is hit, and how it ended. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { CommitPhase } from '../support/commit-phase.ts'
import { eventually } from '../support/eventually.ts'
import type { Known, LakeWatch } from './lake-watch.ts'

const stepsMsMax = 3_000
const lookEveryMs = 1
const answerMsMax = 60_000

/** A line of the log that the supervisor and its workers share. */
export interface LogLine {
  readonly event: string
  /** The place it is of. */
  readonly worker?: number
  readonly pid?: number
  readonly writerId?: string
  readonly code?: number | null
  readonly signal?: string | null
}

/** Phases that a writer is in only while its staging stands. */
const needsStaging: ReadonlySet<CommitPhase> = new Set([
  'staged',
  'put in flight',
  'decided but unpublished',
])

/** What tells the phase that a writer is in. */
type SeenLake = Pick<LakeWatch, 'isCommitting' | 'isAnyDue' | 'trace' | 'phaseOf'>

/** Runs freely until the phase can be reached: what is stopped all the time gets nowhere. */
async function comesNear(
  phase: CommitPhase,
  writer: string,
  { watch, endMs }: { readonly watch: SeenLake; readonly endMs: number },
): Promise<void> {
  const isNear = async (): Promise<boolean> => {
    if (needsStaging.has(phase)) return watch.isCommitting(writer)
    if (phase === 'accumulating' && (await watch.isCommitting(writer))) return false
    return (await watch.isAnyDue()) === (phase === 'published but unannounced')
  }
  // One turn at least, in which what was stopped goes on.
  await turn()
  while (performance.now() < endMs && !(await isNear())) await sleep(lookEveryMs)
}

export class Place {
  readonly #index: number
  #pid: number | undefined
  #writerId: string | undefined
  #commitCount = 0
  #endCount = 0
  /** SIGKILLs of ours. */
  #killCount = 0
  /** Stopped for a while: not to be hit. */
  #isPaused = false
  /** How a worker ended that nobody killed. */
  #troubleText: string | undefined

  constructor(index: number) {
    this.#index = index
  }

  get troubleText(): string | undefined {
    return this.#troubleText
  }

  /** Its worker has committed since it was started, or hit. */
  get isAtWork(): boolean {
    return this.#pid !== undefined && this.#commitCount > 0 && !this.#isPaused
  }

  /** It has to commit before it counts as being at work again. */
  markHit(): void {
    this.#commitCount = 0
  }

  /** What it said before it was stopped may still be on its way. */
  markPaused(): void {
    this.#isPaused = true
  }

  /** SIGCONT, after `markPaused`. */
  resume(): void {
    this.#isPaused = false
    this.markHit()
    this.signal('SIGCONT')
  }

  hear({ event, pid, writerId, code, signal }: LogLine): void {
    if (event === 'worker started') {
      this.#pid = pid
      this.#writerId = undefined
      this.#commitCount = 0
    }
    if (event === 'started') this.#writerId = writerId
    if (event === 'committed') this.#commitCount += 1
    if (event !== 'worker ended') return
    this.#pid = undefined
    this.#endCount += 1
    if (signal === 'SIGKILL' && this.#endCount <= this.#killCount) return
    this.#troubleText = `worker ${this.#index} ended by itself: code ${code}, signal ${signal}`
  }

  signal(name: NodeJS.Signals): void {
    if (this.#pid === undefined) return
    try {
      process.kill(this.#pid, name)
    } catch (error) {
      // It ended by itself: its supervisor tells how.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  /**
   * Lets it go on until it is close to this phase, then in small steps until it is in it or some
   * seconds are over, and leaves it stopped: phases last milliseconds. Whoever looks at a running
   * process finds it elsewhere.
   *
   * @returns its writer id.
   */
  async stopIn(phase: CommitPhase, watch: SeenLake, known: Known): Promise<string> {
    const name = `worker ${this.#index} has started`
    const writer = await eventually(name, answerMsMax, () => this.#writerId)
    const endMs = performance.now() + stepsMsMax
    for (let seen = ''; ; ) {
      await comesNear(phase, writer, { watch, endMs })
      this.signal('SIGSTOP')
      const trace = await watch.trace(writer)
      const isNew = trace !== seen || !needsStaging.has(phase)
      if (isNew && (await watch.phaseOf(writer, known)) === phase) return writer
      if (performance.now() > endMs) return writer
      seen = trace
      this.signal('SIGCONT')
    }
  }

  /** SIGKILL; its supervisor starts another one after a while. */
  async kill(): Promise<void> {
    this.#killCount += 1
    this.signal('SIGKILL')
    const name = `the supervisor notices that worker ${this.#index} ended`
    await eventually(name, answerMsMax, () =>
      this.#endCount >= this.#killCount ? true : undefined,
    )
  }
}

/**
 * Workers as child processes of this one: the same program, with other words behind it.
 *
 * Invariants:
 * - A worker is in a process group of its own: Ctrl-C in a terminal reaches the supervisor alone,
 *   which asks its workers to end. A second signal would end them at once.
 * - A worker whose supervisor is gone, however it went, drains and ends.
 * - Every question is answered, or settled as unanswered by its time limit or the worker's end.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { present } from '../../base/assert.ts'
import type { Worker, WorkerAnswer, WorkerEnd, WorkerEvent, Workers } from '../../ports/workers.ts'
import { type FromWorker, type ToWorker, workerVariable } from './worker-messages.ts'

const answerTimeoutMs = 5_000

export interface SupervisedWorkersOptions {
  /**
   * Words behind the program for the worker of this index. The program is this one, with this
   * process's Node.js and flags.
   */
  readonly wordsOf: (index: number) => readonly string[]
}

export class SupervisedWorkers implements Workers {
  readonly #options: SupervisedWorkersOptions

  constructor(options: SupervisedWorkersOptions) {
    this.#options = options
  }

  start(index: number, onEvent: (event: WorkerEvent) => void): Worker {
    const script = present(process.argv[1], 'a process runs a script')
    const words = [...process.execArgv, script, ...this.#options.wordsOf(index)]
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, [workerVariable]: String(index) },
      detached: true,
    })
    return new WorkerProcess(child, onEvent)
  }
}

class WorkerProcess implements Worker {
  readonly ended: Promise<WorkerEnd>
  readonly #child: ChildProcess
  readonly #asked = new Map<number, (answer: WorkerAnswer | undefined) => void>()
  #nextId = 0

  constructor(child: ChildProcess, onEvent: (event: WorkerEvent) => void) {
    this.#child = child
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      // A program that cannot be started never exits.
      child.once('error', () => resolve({ code: null, signal: null }))
    })
    void this.ended.then(() => {
      for (const settle of this.#asked.values()) settle(undefined)
    })
    child.on('message', (message) => {
      const said = message as FromWorker
      if (said.kind === 'event') onEvent(said.event)
      else this.#asked.get(said.id)?.(said.answer)
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  ask(question: Parameters<Worker['ask']>[0]): Promise<WorkerAnswer | undefined> {
    if (!this.#child.connected) return Promise.resolve(undefined)
    const id = this.#nextId++
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), answerTimeoutMs)
      const settle = (answer: WorkerAnswer | undefined): void => {
        clearTimeout(timer)
        this.#asked.delete(id)
        resolve(answer)
      }
      this.#asked.set(id, settle)
      this.#send({ kind: 'question', id, question })
    })
  }

  stop(): void {
    this.#send({ kind: 'stop' })
  }

  /** What cannot be sent any more needs no answer: the worker is ending. */
  #send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }
}

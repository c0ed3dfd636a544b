/** The way from a worker to its supervisor; `supervised-workers.ts` is the other end. */
import type {
  SupervisorLink,
  WorkerAnswer,
  WorkerEvent,
  WorkerQuestion,
} from '../../ports/workers.ts'
import { type FromWorker, type ToWorker, workerVariable } from './worker-messages.ts'

/** @returns undefined for a process that nobody supervises. */
export function openSupervisorLink(): SupervisorLink | undefined {
  const index = process.env[workerVariable]
  return index === undefined || !process.connected ? undefined : new ParentLink(Number(index))
}

class ParentLink implements SupervisorLink {
  readonly index: number
  readonly #stopping = new AbortController()
  #answer: ((question: WorkerQuestion) => Promise<WorkerAnswer>) | undefined
  #held: Extract<ToWorker, { kind: 'question' }>[] = []

  constructor(index: number) {
    this.index = index
    process.on('message', (message) => this.#hear(message as ToWorker))
    process.once('disconnect', () => this.#stopping.abort())
    // A worker that has drained ends, whoever listens.
    process.channel?.unref()
  }

  get stop(): AbortSignal {
    return this.#stopping.signal
  }

  serve(answer: (question: WorkerQuestion) => Promise<WorkerAnswer>): void {
    this.#answer = answer
    for (const question of this.#held.splice(0)) this.#hear(question)
  }

  tell(event: WorkerEvent): void {
    send({ kind: 'event', event })
  }

  #hear(message: ToWorker): void {
    if (message.kind === 'stop') this.#stopping.abort()
    else if (this.#answer === undefined) this.#held.push(message)
    else {
      const { id, question } = message
      this.#answer(question).then(
        (answer) => send({ kind: 'answer', id, answer }),
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error)
          const body = `${JSON.stringify({ error: reason })}\n`
          send({ kind: 'answer', id, answer: { status: 500, contentType, body } })
        },
      )
    }
  }
}

const contentType = 'application/json; charset=utf-8'

/** To a supervisor that is gone nothing is said. */
function send(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

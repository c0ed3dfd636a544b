/**
 * What a supervisor and its workers say to each other, as JSON over the channel of Node.js.
 *
 *     → { kind: 'question', id: 7, question: { method: 'GET', path: '/readyz', … } }
 *     ← { kind: 'answer', id: 7, answer: { status: 200, … } }
 *     ← { kind: 'event', event: { event: 'committed', fields: { … } } }
 *     → { kind: 'stop' }
 *
 * Source: https://nodejs.org/api/child_process.html (subprocess.send).
 */
import type { WorkerAnswer, WorkerEvent, WorkerQuestion } from '../../ports/workers.ts'

export type ToWorker =
  | { readonly kind: 'question'; readonly id: number; readonly question: WorkerQuestion }
  | { readonly kind: 'stop' }

export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: WorkerAnswer }
  | { readonly kind: 'event'; readonly event: WorkerEvent }

/** Names the worker's index in its environment: who has it is a worker. */
export const workerVariable = 'LAKEWARD_WORKER'

/** Processes that do the same work beside each other, and what their supervisor asks them. */

/** A question to a route of a worker's API. */
export interface WorkerQuestion {
  readonly method: string
  /** As the route is written: "/api/v1/streams/:name". */
  readonly path: string
  readonly parameters: Readonly<Record<string, string>>
  /** Encoded, without "?". */
  readonly query: string
}

export interface WorkerAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** What happened in a worker. */
export interface WorkerEvent {
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** How a process ended: by itself with a code, or by a signal. */
export interface WorkerEnd {
  readonly code: number | null
  readonly signal: string | null
}

export interface Worker {
  readonly pid: number
  readonly ended: Promise<WorkerEnd>
  /** @returns undefined when it does not answer in time, or has ended. */
  ask(question: WorkerQuestion): Promise<WorkerAnswer | undefined>
  /** Asks it to drain and end. May be called again. */
  stop(): void
}

export interface Workers {
  /** @param index 0-based, of this host. */
  start(index: number, onEvent: (event: WorkerEvent) => void): Worker
}

/** The supervisor, as a worker sees it. */
export interface SupervisorLink {
  /** Index of this worker. */
  readonly index: number
  /** Answers what is asked from now on; questions before are held. */
  serve(answer: (question: WorkerQuestion) => Promise<WorkerAnswer>): void
  tell(event: WorkerEvent): void
  /** Aborted when the worker is asked to end, or the supervisor is gone. */
  readonly stop: AbortSignal
}

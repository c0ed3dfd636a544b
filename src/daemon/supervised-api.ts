/** What a supervisor answers over HTTP: for all of its workers, or by one of them. */
import {
  type ApiAnswer,
  type ApiRequest,
  type ApiRoute,
  jsonAnswer,
} from '../adapters/http/api-server.ts'
import type { WorkerAnswer, WorkerQuestion } from '../ports/workers.ts'
import { partitionPath } from './api.ts'
import { mergeExpositions } from './merged-metrics.ts'
import type { Supervisor, WorkerState } from './supervisor.ts'

const nothing = { parameters: {}, query: '' }
const readyQuestion: WorkerQuestion = { method: 'GET', path: '/readyz', ...nothing }
const metricsQuestion: WorkerQuestion = { method: 'GET', path: '/metrics', ...nothing }

/** @param routes those of a worker, of which method and path are asked. */
export function supervisedRoutes(
  supervisor: Supervisor,
  routes: readonly Pick<ApiRoute, 'method' | 'path' | 'isOpen'>[],
): readonly ApiRoute[] {
  const own: Readonly<Record<string, (request: ApiRequest) => Promise<ApiAnswer> | ApiAnswer>> = {
    '/livez': () => jsonAnswer(200, { alive: true }),
    '/readyz': () => ready(supervisor),
    '/metrics': () => metrics(supervisor),
  }
  return routes.map((route) => ({
    ...route,
    answer: own[route.path] ?? ((request) => forwarded(supervisor, route, request)),
  }))
}

/** Ready when every worker is. */
async function ready({ states }: Supervisor): Promise<ApiAnswer> {
  const workers = await Promise.all(
    states.map(async (state) => {
      const answer = await state.worker?.ask(readyQuestion)
      return { worker: state.index, restarts: state.restarts, ...healthOf(state, answer) }
    }),
  )
  const reasons = workers.flatMap(({ worker, reasons: each }) =>
    each.map((reason) => `worker ${worker}: ${reason}`),
  )
  const isReady = workers.every((worker) => worker.ready)
  return jsonAnswer(isReady ? 200 : 503, { ready: isReady, reasons, workers })
}

interface WorkerHealth {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

function healthOf(state: WorkerState, answer: WorkerAnswer | undefined): WorkerHealth {
  if (state.worker === undefined) return { ready: false, reasons: [endText(state)] }
  if (answer === undefined) return { ready: false, reasons: ['no answer'] }
  const { ready: isReady, reasons } = JSON.parse(answer.body) as Partial<WorkerHealth>
  return { ready: isReady === true, reasons: reasons ?? [] }
}

function endText({ lastEnd }: WorkerState): string {
  if (lastEnd === undefined) return 'starting'
  const { code, signal } = lastEnd
  const how = signal === null ? `with exit code ${code ?? 'unknown'}` : `by ${signal}`
  return `ended ${how}, is started again`
}

async function metrics({ states }: Supervisor): Promise<ApiAnswer> {
  const texts = new Map<number, string>()
  let contentType = 'text/plain; version=0.0.4; charset=utf-8'
  for (const { index, worker } of states) {
    const answer = await worker?.ask(metricsQuestion)
    if (answer?.status !== 200) continue
    texts.set(index, answer.body)
    contentType = answer.contentType
  }
  return { status: 200, contentType, body: mergeExpositions(texts) + workerLines(states) }
}

function workerLines(states: readonly WorkerState[]): string {
  const samples = (name: string, value: (state: WorkerState) => number): readonly string[] =>
    states.map((state) => `${name}{worker="${state.index}"} ${value(state)}`)
  return [
    '# HELP lakeward_worker_up 1 while the worker process runs',
    '# TYPE lakeward_worker_up gauge',
    ...samples('lakeward_worker_up', ({ worker }) => (worker === undefined ? 0 : 1)),
    '# HELP lakeward_worker_restarts_total starts of the worker process after its first',
    '# TYPE lakeward_worker_restarts_total counter',
    ...samples('lakeward_worker_restarts_total', ({ restarts }) => restarts),
    '',
  ].join('\n')
}

/**
 * The answer of one worker. They fold the same log, so that the first one that is not in trouble
 * speaks for all; without any, the first trouble.
 */
async function forwarded(
  { states }: Supervisor,
  { method, path }: Pick<ApiRoute, 'method' | 'path'>,
  { parameters, query }: ApiRequest,
): Promise<ApiAnswer> {
  const question = { method, path, parameters, query: query.toString() }
  let trouble: WorkerAnswer | undefined
  for (const { worker } of states) {
    const answer = await worker?.ask(question)
    if (answer !== undefined && answer.status !== 503) {
      return path === partitionPath ? { ...answer, isTagged: true } : answer
    }
    trouble ??= answer
  }
  return trouble ?? jsonAnswer(503, { error: 'no worker answers' })
}

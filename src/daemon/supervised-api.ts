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

/** Workers that fold one log: those of one shard. */
export interface WorkerGroup {
  readonly name: string
  /** Names of its streams. */
  readonly streams: readonly string[]
  /** Indexes of its workers: `[first, next)`. */
  readonly first: number
  readonly next: number
}

/**
 * @param routes those of a worker, of which method and path are asked.
 * @param groups all workers, by shard; left out where all fold one log.
 */
export function supervisedRoutes(
  supervisor: Supervisor,
  routes: readonly Pick<ApiRoute, 'method' | 'path' | 'isOpen'>[],
  groups: readonly WorkerGroup[] = [],
): readonly ApiRoute[] {
  const own: Readonly<Record<string, (request: ApiRequest) => Promise<ApiAnswer> | ApiAnswer>> = {
    '/livez': () => jsonAnswer(200, { alive: true }),
    '/readyz': () => ready(supervisor),
    '/metrics': () => metrics(supervisor),
  }
  return routes.map((route) => ({
    ...route,
    answer: own[route.path] ?? ((request) => answered({ supervisor, groups, route, request })),
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

interface Asked {
  readonly supervisor: Supervisor
  readonly groups: readonly WorkerGroup[]
  readonly route: Pick<ApiRoute, 'method' | 'path'>
  readonly request: ApiRequest
}

/** By the shard of the stream that is asked about, or by all shards. */
async function answered({ supervisor, groups, route, request }: Asked): Promise<ApiAnswer> {
  const { states } = supervisor
  if (groups.length < 2) return forwarded(states, route, request)
  const { name: stream } = request.parameters
  if (stream === undefined) return ofAll(states, groups, { route, request })
  const group = groups.find(({ streams }) => streams.includes(stream))
  if (group !== undefined) return forwarded(membersOf(states, group), route, request)
  const known = groups.flatMap(({ streams }) => streams)
  return jsonAnswer(404, { error: `stream "${stream}" is not configured`, known })
}

const membersOf = (
  states: readonly WorkerState[],
  { first, next }: WorkerGroup,
): readonly WorkerState[] => states.slice(first, next)

/** Lists of all shards are one list; of what is no list each shard's stands under its name. */
async function ofAll(
  states: readonly WorkerState[],
  groups: readonly WorkerGroup[],
  { route, request }: Pick<Asked, 'route' | 'request'>,
): Promise<ApiAnswer> {
  const answers = await Promise.all(
    groups.map((group) => forwarded(membersOf(states, group), route, request)),
  )
  const [one, ...others] = answers
  const other = answers.find(({ status }) => status !== 200)
  if (one === undefined || other !== undefined) return other ?? jsonAnswer(503, {})
  const values = answers.map(({ body }): unknown => JSON.parse(body))
  if (values.every((value) => Array.isArray(value))) return jsonAnswer(200, values.flat())
  // What describes the API itself is the same of all.
  if (others.every(({ body }) => body === one.body)) return one
  const shards = Object.fromEntries(groups.map(({ name }, place) => [name, values[place]]))
  return jsonAnswer(200, { shards })
}

/**
 * The answer of one worker. They fold the same log, so that the first one that is not in trouble
 * speaks for all; without any, the first trouble.
 */
async function forwarded(
  states: readonly WorkerState[],
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

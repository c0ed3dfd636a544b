/** What the daemon answers over HTTP: its health, its metrics, and what it knows of its streams. */
import {
  type ApiAnswer,
  type ApiRequest,
  type ApiRoute,
  jsonAnswer,
} from '../adapters/http/api-server.ts'
import { present } from '../base/assert.ts'
import { isoOf, unixMs } from '../base/time.ts'
import { type AskedPartition, withClosedBack } from '../committer/closed-lists.ts'
import type { FoldedPartition } from '../model/fold-state.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import { parsePartition } from '../protocol/calendar-text.ts'
import { explainPartition } from '../protocol/explain.ts'
import type { ReadinessFacts, ReadyStream } from '../protocol/readiness-facts.ts'
import { apiDocument } from './api-document.ts'
import type { Daemon } from './daemon.ts'
import type { Lane } from './lane.ts'
import { readyStreams } from './stage-streams.ts'

export const eventsPath = '/api/v1/events'
/** Who asks for a partition again and again is told when nothing has changed. */
export const partitionPath = '/api/v1/streams/:name/partitions/:partition'

/** Paths of the contract whose features are not built: refused by name. */
const notBuilt = [
  ['GET', '/'],
  ['GET', '/api/v1/merge'],
  ['GET', '/api/v1/cdc'],
  ['POST', '/api/v1/streams/:name/pause'],
  ['POST', '/api/v1/streams/:name/resume'],
  ['POST', '/api/v1/dlq/replay'],
  ['POST', '/api/v1/backfills'],
  ['POST', '/api/v1/merge'],
] as const

interface MetricsText {
  readonly contentType: string
  /** The exposition of this moment. */
  text(): Promise<string>
}

interface ApiEntry extends Omit<ApiRoute, 'answer'> {
  readonly answer: (api: Api, request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>
}

const get = (path: string, answer: ApiEntry['answer'], isOpen = false): ApiEntry => ({
  method: 'GET',
  path,
  isOpen,
  answer,
})

const entries: readonly ApiEntry[] = [
  get('/livez', () => jsonAnswer(200, { alive: true }), true),
  get('/readyz', (api) => api.ready(), true),
  get('/metrics', (api) => api.metrics()),
  get('/api/v1/openapi.json', () => jsonAnswer(200, apiDocument)),
  get('/api/v1/streams', (api) => api.streams()),
  get('/api/v1/streams/:name', (api, { parameters }) => api.stream(parameters['name'] ?? '')),
  get(partitionPath, (api, { parameters }) =>
    api.partition(parameters['name'] ?? '', parameters['partition'] ?? ''),
  ),
  get('/api/v1/log', (api) => api.log()),
  get('/api/v1/ready', (api) => api.announcements()),
  get('/api/v1/dlq', (api) => api.deadLetters()),
  ...notBuilt.map(([method, path]): ApiEntry => {
    const error = `${method} ${path}: not supported by this version`
    return { method, path, answer: () => jsonAnswer(501, { error }) }
  }),
]

/** What there is to ask a daemon, without the daemon. */
export const apiPaths: readonly Omit<ApiRoute, 'answer'>[] = entries.map(
  ({ answer: _answer, ...route }) => route,
)

export function apiRoutes(daemon: Daemon, metrics: MetricsText): readonly ApiRoute[] {
  const api = new Api(daemon, metrics)
  return entries.map((entry) => ({ ...entry, answer: (request) => entry.answer(api, request) }))
}

class Api {
  readonly #daemon: Daemon
  readonly #metrics: MetricsText

  constructor(daemon: Daemon, metrics: MetricsText) {
    this.#daemon = daemon
    this.#metrics = metrics
  }

  async metrics(): Promise<ApiAnswer> {
    const { contentType } = this.#metrics
    return { status: 200, contentType, body: await this.#metrics.text() }
  }

  ready(): ApiAnswer {
    const health = this.#daemon.health()
    return jsonAnswer(health.ready ? 200 : 503, health)
  }

  streams(): ApiAnswer {
    return this.#withLog(() => readyStreams(this.#daemon.config).map((at) => this.#summary(at)))
  }

  stream(name: string): ApiAnswer {
    const stream = this.#streamOf(name)
    if (stream === undefined) return this.#unknownStream(name)
    return this.#withLog((running) => {
      const folded = running.log.state.streams.get(name)
      const progress = [...(folded?.progress.values() ?? [])].map(
        ({ source, eventWatermarkMs, rowsAtMs }) => ({
          topicPartition: topicPartitionName(source),
          eventWatermark: isoOf(eventWatermarkMs),
          rowsAt: isoOf(rowsAtMs),
        }),
      )
      const partitions = [...(folded?.partitions.values() ?? [])].map(partitionLine)
      return { ...this.#summary(stream), progress, partitions }
    })
  }

  async partition(name: string, text: string): Promise<ApiAnswer> {
    const stream = this.#streamOf(name)
    if (stream === undefined) return this.#unknownStream(name)
    const parsed = parsePartition(text, stream.scheme)
    if (parsed.kind === 'refused') return jsonAnswer(400, { error: parsed.because })
    const { partition } = parsed
    const known = await this.#factsAbout({ stream: name, partition })
    const answer = this.#withLog(({ announcer }) => {
      const facts = known ?? announcer.facts()
      const folded = facts.fold.streams.get(name)?.partitions.get(partition.path)
      const { sinceMs, eventTimeMs, ...why } = explainPartition(facts, stream, partition)
      const since = sinceMs === undefined ? undefined : isoOf(sinceMs)
      const eventTime = eventTimeMs === undefined ? undefined : isoOf(eventTimeMs)
      const line = folded === undefined ? {} : partitionLine(folded)
      return {
        stream: name,
        partitionPath: partition.path,
        ...line,
        why: { ...why, eventTime, since },
      }
    })
    return { ...answer, isTagged: true }
  }

  /** What is known, with the partition also if it was closed; undefined while no log is open. */
  async #factsAbout(asked: AskedPartition): Promise<ReadinessFacts | undefined> {
    const { running } = this.#daemon
    if (running === undefined) return undefined
    const facts = running.announcer.facts()
    const { lake } = running
    const fold = await withClosedBack({ lake, pipeline: facts.pipeline }, facts.fold, asked)
    return { ...facts, fold }
  }

  log(): ApiAnswer {
    return this.#withLog(({ log }) => {
      const { next, checksum, config, writers, voids, unpublished, positions } = log.state
      return {
        next,
        checksum,
        writerId: log.writerId,
        configVersion: config.version,
        format: config.format,
        writers,
        voids,
        unpublished: [...unpublished.keys()],
        positions: [...positions].flatMap(([lane, sources]) =>
          [...sources.values()].map((at) => ({
            lane,
            topicPartition: topicPartitionName(at.source),
            next: at.next,
            movedAt: isoOf(at.movedAtMs),
          })),
        ),
      }
    })
  }

  announcements(): ApiAnswer {
    return this.#withLog(({ log, outbox }) => ({
      targets: outbox.status,
      undelivered: log.state.undelivered.map(({ manifest, targets }) => ({
        id: manifest.id,
        targets,
      })),
      announced: [...log.state.streams.values()].flatMap(({ partitions }) =>
        [...partitions.values()].flatMap(({ manifest }) => manifest ?? []),
      ),
    }))
  }

  deadLetters(): ApiAnswer {
    return this.#withLog(({ log }) =>
      [...log.state.streams].map(([stream, { partitions, closed }]) => {
        const reasons: Record<string, number> = {}
        const past = closed === undefined ? [] : [closed]
        for (const { counts } of [...partitions.values(), ...past]) {
          for (const [reason, count] of Object.entries(counts.deadLettered)) {
            reasons[reason] = (reasons[reason] ?? 0) + count
          }
          if (counts.late > 0) reasons['late'] = (reasons['late'] ?? 0) + counts.late
        }
        return { stream, reasons }
      }),
    )
  }

  #summary(stream: ReadyStream): Record<string, unknown> {
    const { log, lane, announcer } = present(this.#daemon.running, 'asked with a log')
    const folded = log.state.streams.get(stream.name)
    const marks = [...(folded?.progress.values() ?? [])].map((at) => at.eventWatermarkMs)
    const block = announcer.blocks.find((at) => at.stream === stream.name)
    const waiting = block && {
      partitionPath: block.partition.path,
      rule: block.rule,
      topicPartition: block.at && topicPartitionName(block.at.source),
    }
    return {
      name: stream.name,
      table: stream.table,
      topics: stream.topics,
      eventWatermark: marks.length === 0 ? null : isoOf(unixMs(Math.min(...marks))),
      announcedNext: folded?.announcedNextMs === undefined ? null : isoOf(folded.announcedNextMs),
      waiting: waiting ?? null,
      unknownFields: unknownFieldsOf(lane, stream.name),
      memory: memoryOf(lane, stream.name),
    }
  }

  #streamOf(name: string): ReadyStream | undefined {
    return readyStreams(this.#daemon.config).find((stream) => stream.name === name)
  }

  #unknownStream(name: string): ApiAnswer {
    const known = this.#daemon.config.streams.map((stream) => stream.name)
    return jsonAnswer(404, { error: `stream "${name}" is not configured`, known })
  }

  #withLog(answer: (running: NonNullable<Daemon['running']>) => unknown): ApiAnswer {
    const { running } = this.#daemon
    if (running !== undefined) return jsonAnswer(200, answer(running))
    return jsonAnswer(503, { error: 'the commit log is not open yet', ...this.#daemon.health() })
  }
}

const unknownFieldsOf = (lane: Lane, stream: string) => {
  const { fields, otherCount } = lane.unknownFields(stream)
  return { fields, otherCount }
}

const memoryOf = (lane: Lane, stream: string) => ({
  heldBytes: Math.ceil(lane.bufferedByStream().get(stream) ?? 0),
  bytesMax: lane.memory.streams.get(stream)?.bytesMax,
  paused: lane.isStreamPaused(stream),
})

const partitionLine = ({ partition, place, revision, files, counts }: FoldedPartition) => ({
  partitionPath: partition.path,
  place,
  revision,
  files: files.map(({ path, sizeBytes, rowCount }) => ({ path, sizeBytes, rowCount })),
  counts,
})

/**
 * A user's module in a thread of its own: the port `EtlModule` over `node:worker_threads`.
 *
 * - One thread per module, started when it is needed, one batch at a time.
 * - A batch that takes longer than allowed ends its thread; the next batch starts another.
 * - The heap of the thread is bounded; code that uses it up, or exits, ends the thread only.
 * - What the code prints goes to stderr: stdout belongs to answers.
 *
 *     start → ready → batch → done → batch → (too long: terminate) → start → …
 *
 * Source: Node's documentation, "Worker threads", `resourceLimits`.
 */
import { Worker } from 'node:worker_threads'
import { assert } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import type { DurationMs } from '../../base/time.ts'
import type { MessageSchema } from '../../model/event-schema.ts'
import type { EtlBatch, EtlModule, EtlOutcome } from '../../ports/etl-module.ts'
import type { EtlWorkerReply, EtlWorkerStart } from './etl-worker.ts'

export interface WorkerModuleOptions {
  /** Absolute path of the module; the fault names it. */
  readonly file: string
  readonly stream: string
  readonly message: MessageSchema
  /** Longest time for one batch. */
  readonly batchTimeMs: DurationMs
  /** Largest heap of the thread. */
  readonly heapBytes: number
}

const startLimitMs = 30_000
const bytesPerMib = 1_048_576

/** In a checkout the entry is TypeScript as this file is; in the package both are JavaScript. */
const entry = new URL(import.meta.url.replace(/worker-module(?=\.[jt]s)/, 'etl-worker'))

type Ending =
  | { readonly kind: 'reply'; readonly reply: EtlWorkerReply }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'crashed'; readonly error: string }

/** Loads a module, so that one that cannot be used is refused before any event is read. */
export async function openWorkerModule(options: WorkerModuleOptions): Promise<EtlModule> {
  const module = new WorkerModule(options)
  await module.start()
  return module
}

class WorkerModule implements EtlModule {
  readonly #options: WorkerModuleOptions
  #thread: Thread | undefined
  #busy = false

  constructor(options: WorkerModuleOptions) {
    this.#options = options
  }

  /** @throws {Fault} ETL_MODULE_REFUSED. */
  async start(): Promise<Thread> {
    const { file, stream, message, heapBytes } = this.#options
    const thread = new Thread({ file, stream, message }, heapBytes)
    const ending = await thread.next(startLimitMs)
    if (ending.kind === 'reply' && ending.reply.kind === 'ready') {
      this.#thread = thread
      return thread
    }
    await thread.end()
    throw new Fault('ETL_MODULE_REFUSED', { stream, file, reason: refusalOf(ending) })
  }

  async run(batch: EtlBatch): Promise<EtlOutcome> {
    assert(!this.#busy, 'a module runs one batch at a time')
    this.#busy = true
    try {
      const running = this.#thread?.alive === true ? this.#thread : await this.start()
      return await this.#runOn(running, batch)
    } finally {
      this.#busy = false
    }
  }

  async #runOn(thread: Thread, batch: EtlBatch): Promise<EtlOutcome> {
    const limitMs = this.#options.batchTimeMs
    thread.post(batch)
    const ending = await thread.next(limitMs)
    if (ending.kind === 'reply' && ending.reply.kind === 'done') {
      return { kind: 'done', result: ending.reply.result }
    }
    await thread.end()
    if (ending.kind === 'timed-out') return { kind: 'timed-out', limitMs }
    return { kind: 'crashed', error: ending.kind === 'crashed' ? ending.error : 'it lost its way' }
  }

  async close(): Promise<void> {
    await this.#thread?.end()
    this.#thread = undefined
  }
}

function refusalOf(ending: Ending): string {
  if (ending.kind === 'timed-out') return `it did not load within ${startLimitMs / 1_000} s`
  if (ending.kind === 'crashed') return ending.error
  return ending.reply.kind === 'refused' ? ending.reply.reason : 'it answered before it was asked'
}

/** One worker, listened to for as long as it lives. */
class Thread {
  readonly #worker: Worker
  #ended: Ending | undefined
  #waiting: ((ending: Ending) => void) | undefined

  constructor(start: EtlWorkerStart, heapBytes: number) {
    this.#worker = new Worker(entry, {
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytes / bytesPerMib) },
      execArgv: [],
      stdout: true,
      stderr: true,
    })
    for (const output of [this.#worker.stdout, this.#worker.stderr]) {
      output.on('data', (chunk: Uint8Array) => process.stderr.write(chunk))
    }
    this.#worker.on('message', (reply: EtlWorkerReply) => this.#settle({ kind: 'reply', reply }))
    this.#worker.on('error', (error) => this.#die(reasonOf(error)))
    this.#worker.on('exit', (code) => this.#die(`the code ended its thread with code ${code}`))
  }

  get alive(): boolean {
    return this.#ended === undefined
  }

  post(batch: EtlBatch): void {
    this.#worker.postMessage(batch, [batch.payloads.buffer, batch.headers.buffer])
  }

  /** The thread's next sign of life, its end, or the end of the time given. */
  async next(limitMs: number): Promise<Ending> {
    if (this.#ended !== undefined) return this.#ended
    assert(this.#waiting === undefined, 'one waits for a thread at a time')
    return await new Promise<Ending>((resolve) => {
      const timer = setTimeout(() => this.#settle({ kind: 'timed-out' }), limitMs)
      this.#waiting = (ending) => {
        clearTimeout(timer)
        resolve(ending)
      }
    })
  }

  /** Ends the thread; resolves when it is gone. */
  async end(): Promise<void> {
    this.#ended ??= { kind: 'crashed', error: 'the thread was ended' }
    await this.#worker.terminate()
  }

  #die(error: string): void {
    this.#ended ??= { kind: 'crashed', error }
    this.#settle(this.#ended)
  }

  #settle(ending: Ending): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(ending)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return 'the code used up the memory of its thread'
  }
  return `${error.name}: ${error.message}`.split('\n', 1)[0] ?? error.name
}

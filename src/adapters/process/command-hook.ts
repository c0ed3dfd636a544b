/**
 * Announcements by a command: one run each, the manifest on its standard input.
 *
 * Invariants:
 * - No shell: the words of the configuration are the words of the program.
 * - It ends with 0, or it was not delivered. What it leaves running ends with it: it is a group of
 *   its own, which is killed once it has ended, was given up, or we end.
 * - Its environment is what is said here and in the configuration, and nothing of ours.
 * - Its output is read to its end and thrown away, but for the beginning, which failures tell.
 *
 * Sample:
 *     argv ["/opt/tell", "--queue", "lake"]
 *     env  LAKEWARD_STREAM=app_events, LAKEWARD_REVISION=1, …
 *     stdin {"lakeward":1,"kind":"partition-ready",…}
 *
 * Source: docs/readiness.md, "Delivery"; docs/adr/0037-ways-to-targets.md.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { Fault } from '../../base/fault.ts'
import { type MaybeSecret, revealed, shownBeginning, shownBytesOf } from '../../base/secret.ts'
import { type DurationMs, durationMs } from '../../base/time.ts'
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Notifier } from '../../ports/notifier.ts'
import { encodeManifest } from '../../protocol/readiness-manifest.ts'

/** Between being asked to end and being killed. */
const graceMs = durationMs(1_000)
/** For what it printed last to be read; whoever left the group may hold its output open. */
const drainedWithinMs = durationMs(500)
/** One that does not even end when it is killed is left: its disk or network hangs. */
const reapedWithinMs = durationMs(3_000)
const defaultPath = '/usr/local/bin:/usr/bin:/bin'

export interface CommandHookOptions {
  /** How log and metrics name it. */
  readonly target: string
  /** The program and its words. */
  readonly argv: readonly [program: string, ...words: string[]]
  /** Working folder. */
  readonly folder: string
  readonly environment: readonly (readonly [name: string, value: MaybeSecret])[]
  readonly timeoutMs: DurationMs
  readonly atOnceMax: number
  readonly clock: Clock
}

type Ended =
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'not-started'; readonly error: Error }

export class CommandHook implements Notifier {
  readonly target: string
  readonly readable = false
  readonly atOnceMax: number
  readonly #options: CommandHookOptions
  readonly #running = new Set<ChildProcess>()
  readonly #killAll = (): void => {
    for (const child of this.#running) killGroup(child, 'SIGKILL')
  }

  constructor(options: CommandHookOptions) {
    this.target = options.target
    this.atOnceMax = options.atOnceMax
    this.#options = options
  }

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const failed = await this.#run(manifest, signal)
    if (failed === undefined) return
    const facts = { target: this.target, manifestId: manifest.id, reason: failed }
    throw new Fault('NOTIFY_FAILED', facts)
  }

  /** Never asked: its end is the acknowledgement. */
  readBack(): Promise<boolean> {
    return Promise.resolve(true)
  }

  /** Ends what is still running; what does not end is left. */
  async close(): Promise<void> {
    const children = [...this.#running]
    this.#killAll()
    await within(this.#options.clock, reapedWithinMs, Promise.all(children.map(endOf)))
    for (const child of children) leave(child)
  }

  /** @returns why it was not delivered. */
  async #run(manifest: ReadyManifest, signal: AbortSignal): Promise<string | undefined> {
    const { clock, timeoutMs } = this.#options
    if (signal.aborted) return 'no end in time'
    const child = this.#start(manifest)
    if (child instanceof Error) return `cannot be started: ${child.message}`
    const output = new Beginning(
      child,
      this.#options.environment.map(([, value]) => value),
    )
    const over = new AbortController()
    const abort = (): void => over.abort(null)
    signal.addEventListener('abort', abort, { once: true })
    const ended = endOf(child).finally(abort)
    try {
      let isLate = false
      await clock.sleep(timeoutMs, over.signal).then(() => {
        isLate = !over.signal.aborted
      })
      if (isLate || signal.aborted) await this.#stop(child, ended)
      if (signal.aborted) return 'no end in time'
      if (isLate) return `took longer than ${timeoutMs} ms${output.shown}`
      const end = await ended
      if (end.kind === 'exited' && end.code !== 0)
        await within(clock, drainedWithinMs, output.closed)
      return reasonOf(end, output.shown)
    } finally {
      output.close()
      signal.removeEventListener('abort', abort)
    }
  }

  #start(manifest: ReadyManifest): ChildProcess | Error {
    const { argv, folder } = this.#options
    const [program, ...words] = argv
    let child: ChildProcess
    try {
      child = spawn(program, words, {
        cwd: folder,
        env: this.#environment(manifest),
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      })
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
    if (this.#running.size === 0) process.on('exit', this.#killAll)
    this.#running.add(child)
    void endOf(child).then(() => {
      this.#running.delete(child)
      if (this.#running.size === 0) process.off('exit', this.#killAll)
    })
    // It need not read it.
    child.stdin?.on('error', () => {})
    child.stdin?.end(encodeManifest(manifest))
    return child
  }

  #environment(manifest: ReadyManifest): Record<string, string> {
    return {
      PATH: defaultPath,
      ...Object.fromEntries(
        this.#options.environment.map(([key, value]) => [key, revealed(value)]),
      ),
      LAKEWARD_ID: manifest.id,
      LAKEWARD_PIPELINE: manifest.pipeline,
      LAKEWARD_STREAM: manifest.stream,
      LAKEWARD_TABLE: manifest.table,
      LAKEWARD_PARTITION: manifest.partitionPath,
      LAKEWARD_LOCATION: manifest.location,
      LAKEWARD_REVISION: String(manifest.revision),
      LAKEWARD_REASON: manifest.reason,
      LAKEWARD_ROWS: String(manifest.rows),
    }
  }

  /** Ends when it has ended, or will not. */
  async #stop(child: ChildProcess, ended: Promise<Ended>): Promise<void> {
    const { clock } = this.#options
    killGroup(child, 'SIGTERM')
    await within(clock, graceMs, ended)
    killGroup(child, 'SIGKILL')
    await within(clock, reapedWithinMs, ended)
  }
}

async function within(clock: Clock, spanMs: DurationMs, work: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  await Promise.race([work, clock.sleep(spanMs, over.signal)])
  over.abort(null)
}

/** Our own end does not wait for its. */
function leave(child: ChildProcess): void {
  child.stdin?.destroy()
  child.unref()
}

const ends = new WeakMap<ChildProcess, Promise<Ended>>()

/** The end of the program itself; what it left running is killed then. */
function endOf(child: ChildProcess): Promise<Ended> {
  const known = ends.get(child)
  if (known !== undefined) return known
  const end = new Promise<Ended>((resolve) => {
    child.once('error', (error) => resolve({ kind: 'not-started', error }))
    child.once('exit', (code, signal) => {
      killGroup(child, 'SIGKILL')
      resolve({ kind: 'exited', code, signal })
    })
  })
  ends.set(child, end)
  return end
}

/** Nothing where all of it has ended. */
function killGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // There is nobody left.
  }
}

/** @returns undefined where it went well. */
function reasonOf(ended: Ended, shown: string): string | undefined {
  if (ended.kind === 'not-started') return `cannot be started: ${ended.error.message}`
  if (ended.signal !== null) return `was ended by ${ended.signal}${shown}`
  return ended.code === 0 ? undefined : `ended with ${String(ended.code)}${shown}`
}

/** The beginning of what a program prints, whichever way; the rest is read and forgotten. */
class Beginning {
  /** All has been read. */
  readonly closed: Promise<void>
  readonly #streams: ChildProcess['stdout'][]
  readonly #values: readonly MaybeSecret[]
  readonly #bytesMax: number
  readonly #parts: Buffer[] = []
  #bytes = 0

  /** @param values what it was started with; secrets among them are not told. */
  constructor(child: ChildProcess, values: readonly MaybeSecret[]) {
    this.#values = values
    this.#bytesMax = shownBytesOf(values)
    this.closed = new Promise((resolve) => {
      child.once('close', () => resolve())
    })
    this.#streams = [child.stdout, child.stderr]
    for (const stream of this.#streams) {
      stream?.on('error', () => {})
      stream?.on('data', (part: Buffer) => this.#take(part))
    }
  }

  /** Nothing more is read. */
  close(): void {
    for (const stream of this.#streams) stream?.destroy()
  }

  /** Quoted, after a blank; empty where it printed nothing. */
  get shown(): string {
    const text = shownBeginning(Buffer.concat(this.#parts), this.#values)
    return text === '' ? '' : ` ${text}`
  }

  #take(part: Buffer): void {
    const room = this.#bytesMax - this.#bytes
    if (room > 0) this.#parts.push(Buffer.from(part.subarray(0, room)))
    this.#bytes += part.length
  }
}

import { posix } from 'node:path'
import { assert } from '../../src/base/assert.ts'
import { Fault } from '../../src/base/fault.ts'
import { durationMs, unixMs } from '../../src/base/time.ts'
import type {
  CanJoin,
  JoinRequest,
  Lake,
  LakeObject,
  LakeTails,
  PublishOutcome,
  PublishRequest,
  PutOutcome,
  StagedPlace,
  StageRequest,
} from '../../src/ports/lake.ts'
import type { SimClock } from './clock.ts'

interface StoredObject {
  readonly body: Uint8Array
  readonly modifiedMs: number
}

/** What lies on the lake: shared by all who hold a `SimLake` over it. */
export type SimStore = Map<string, StoredObject>

export interface LakeFault {
  /** Number of the first call that fails, counted from 1. */
  readonly failAt: number
  /**
   * `before-effect`: the request was lost. `after-effect`: carried out, but the answer was lost.
   * `lands-late`: the answer was lost, and the effect comes three calls later.
   */
  readonly moment: 'before-effect' | 'after-effect' | 'lands-late'
  readonly lasting: 'once' | 'forever'
  readonly code?: 'LAKE_UNAVAILABLE' | 'LAKE_REFUSED'
}

/**
 * Whose semantics a lake has. `file`: renames, and a put into a staging folder is two calls,
 * between which it shows under a name of its own, for ever if its process died. `hdfs`: renames,
 * a broken write leaves a part of the file, and files grow by tails, each under the name of the
 * attempt that was answered. `s3`: no renames, so that
 * copy and removal are two calls.
 */
export type LakeKind = 'file' | 's3' | 'hdfs'

export interface SimLakeOptions {
  readonly store?: SimStore
  readonly kind?: LakeKind
  readonly clock?: SimClock
  readonly fault?: LakeFault
  /** How long a call takes before and after its effect; for interleavings. */
  readonly latencyMs?: (operation: string, path: string) => number
  /** What a call waits for before anything of it happens. */
  readonly before?: (operation: string, path: string, body?: Uint8Array) => Promise<void>
  /** Why the lake takes no such call now; undefined when it does. */
  readonly refusal?: (operation: string, path: string) => LakeRefusal | undefined
  /** Told of a write that failed. */
  readonly onBroken?: (operation: string, path: string) => void
  /** What goes wrong with the call that is under way. */
  readonly faultNow?: (operation: string, path: string) => LakeFault['moment'] | undefined
  /** Resolves when its process runs: one that is paused hears no answers. */
  readonly awake?: () => Promise<void>
  /**
   * True when the answer to a call that had its effect is lost on the way to who speaks with the
   * storage, who asks once more, and hears of what it put itself as of anybody's.
   */
  readonly asksAgain?: (operation: string, path: string) => boolean
  /** True when a listing comes in two pages, with time between them. */
  readonly listsInPages?: () => boolean
}

interface LakeRefusal {
  readonly code: 'LAKE_UNAVAILABLE' | 'LAKE_REFUSED'
  readonly reason: string
}

const callsUntilLateEffect = 3

interface CallParts {
  readonly body?: Uint8Array
  /** What a request that was lost in the midst of it leaves behind. */
  readonly broken?: (() => void) | undefined
}

/** In-memory lake that fails where it is told to. Its clock is ten minutes behind everybody's. */
export class SimLake implements Lake {
  readonly url = 'sim:lake'
  /** A put that is given up has its effect at once, or never. */
  readonly lingersMs = durationMs(0)
  readonly store: SimStore
  /** Calls so far; `${operation} ${path}` of each in `history`. */
  calls = 0
  readonly history: string[] = []
  fault: LakeFault | undefined
  /**
   * False once its process was killed: it gets no more answers, and what it sent may land or not.
   */
  alive = true
  /** Whether a call that was under way when the process died still has its effect. */
  landsAfterDeath: () => boolean = () => false
  readonly #options: SimLakeOptions
  readonly #begunTails = new Set<string>()
  readonly #late: { readonly atCall: number; readonly land: () => void }[] = []

  readonly tails?: LakeTails

  constructor(options: SimLakeOptions = {}) {
    this.#options = options
    if (options.kind === 'hdfs') {
      this.tails = {
        canJoinIn: () => this.canJoin(),
        join: (request) => this.join(request),
      }
    }
    this.store = options.store ?? new Map()
    this.fault = options.fault
  }

  /** Lets everything land that is still on its way. */
  settle(): void {
    for (const { land } of this.#late.splice(0)) land()
  }

  async putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome> {
    const effect = (): PutOutcome => {
      if (this.store.has(path)) return { kind: 'already-exists' }
      this.#set(path, body)
      return { kind: 'created' }
    }
    const draft = this.#draftOf(path)
    if (draft === undefined) {
      const { kind } = await this.#call('putIfAbsent', path, effect, { body })
      const isOwn = kind === 'created' && this.#asksAgain('putIfAbsent', path)
      return { kind: isOwn ? 'already-exists' : kind }
    }
    await this.#call('draft', draft, () => this.#set(draft, body))
    try {
      return await this.#call('putIfAbsent', path, effect, { body })
    } finally {
      this.store.delete(draft)
    }
  }

  put(path: string, body: Uint8Array, signal?: AbortSignal): Promise<LakeObject> {
    return this.#call('put', path, () => {
      if (signal?.aborted === true) throw simFault('put', path, 'given up')
      return this.#set(path, body)
    })
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#call('read', path, () => this.store.get(path)?.body)
  }

  readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined> {
    return this.#call('readRange', path, () => this.store.get(path)?.body.slice(first, next))
  }

  stat(path: string): Promise<LakeObject | undefined> {
    return this.#call('stat', path, () => this.#objectAt(path))
  }

  async list(folder: string): Promise<readonly LakeObject[]> {
    if (this.#options.listsInPages?.() !== true) {
      return this.#call('list', folder, () => this.#below(folder))
    }
    const first = await this.#call('list', folder, () => {
      const all = this.#below(folder)
      return all.slice(0, Math.ceil(all.length / 2))
    })
    const after = first.at(-1)?.path ?? ''
    const rest = await this.#call('list', folder, () =>
      this.#below(folder).filter(({ path }) => path > after),
    )
    return [...first, ...rest]
  }

  async stage({ stagedPath, chunks }: StageRequest): Promise<string> {
    const staged = /\/_staging\/.|\/\.tail-[^/]+$/.test(stagedPath)
    assert(staged, `staged path "${stagedPath}" lies in a staging folder`)
    assert(!stagedPath.endsWith('.parquet'), `"${stagedPath}" does not look like a table's file`)
    const body = Buffer.concat(chunks)
    const at = this.#nameOf(stagedPath)
    const part = (): void => void this.#set(at, body.subarray(0, body.length >> 1))
    const broken = this.#options.kind === 'hdfs' ? part : undefined
    await this.#call('stage', at, () => this.#set(at, body), { broken })
    this.#begunTails.delete(at)
    return at
  }

  /** A tail has its name by the first attempt alone: not answered, it may still make it. */
  #nameOf(stagedPath: string): string {
    const cut = stagedPath.lastIndexOf('/') + 1
    const name = stagedPath.slice(cut)
    if (!name.startsWith('.tail-')) return stagedPath
    if (this.#begunTails.has(stagedPath)) {
      return `${stagedPath.slice(0, cut)}.${name}.${this.calls.toString(16).padStart(16, '0')}.put`
    }
    this.#begunTails.add(stagedPath)
    return stagedPath
  }

  async publish(request: PublishRequest): Promise<PublishOutcome> {
    const { path, stagedPath } = request
    const copies = this.#options.kind === 's3'
    const outcome = await this.#call('publish', path, () => this.#publish(request, copies))
    // Whoever finds that it stands takes away what it was made of, too.
    const stands = outcome.kind === 'published' || outcome.kind === 'already-published'
    if (copies && stands) await this.remove(stagedPath)
    const isOwn = outcome.kind === 'published' && this.#asksAgain('publish', path)
    return isOwn ? { kind: 'already-published' } : outcome
  }

  #asksAgain(operation: string, path: string): boolean {
    return this.#options.asksAgain?.(operation, path) === true
  }

  discard({ stagedPath }: StagedPlace): Promise<void> {
    return this.remove(stagedPath)
  }

  async move(from: string, to: string): Promise<boolean> {
    const copies = this.#options.kind === 's3'
    const isThere = await this.#call('move', from, () => this.#move(from, to, copies))
    if (copies && isThere) await this.remove(from)
    return isThere
  }

  remove(path: string): Promise<void> {
    return this.#call('remove', path, () => {
      this.store.delete(path)
    })
  }

  #draftOf(path: string): string | undefined {
    if (this.#options.kind !== 'file' || !path.includes('/_staging/')) return undefined
    const { dir, base } = posix.parse(path)
    return `${dir}/.${base}.${this.calls.toString(16).padStart(16, '0')}.put`
  }

  #below(folder: string): readonly LakeObject[] {
    const prefix = `${folder}/`
    const found: string[] = []
    for (const path of this.store.keys()) if (path.startsWith(prefix)) found.push(path)
    return found.sort().flatMap((path) => this.#objectAt(path) ?? [])
  }

  /** Where objects are copied, a copy that stands was made before, by a call that broke. */
  #move(from: string, to: string, copies: boolean): boolean {
    const object = this.store.get(from)
    if (object === undefined) return false
    const standing = this.store.get(to)
    const isCopy = copies && standing?.body === object.body
    if (standing !== undefined && !isCopy)
      throw simFault('move', from, 'another object stands there')
    this.store.set(to, object)
    if (!copies) this.store.delete(from)
    return true
  }

  #publish({ stagedPath, path, sizeBytes }: PublishRequest, copies: boolean): PublishOutcome {
    const standing = this.store.get(path)
    if (standing !== undefined) {
      const foundBytes = standing.body.byteLength
      return foundBytes === sizeBytes
        ? { kind: 'already-published' }
        : { kind: 'mismatch', foundBytes }
    }
    const staged = this.store.get(stagedPath)
    if (staged === undefined) return { kind: 'missing' }
    const foundBytes = staged.body.byteLength
    if (foundBytes !== sizeBytes) return { kind: 'mismatch', foundBytes }
    this.store.set(path, staged)
    if (!copies) this.store.delete(stagedPath)
    return { kind: 'published' }
  }

  async canJoin(): Promise<CanJoin> {
    return { kind: 'joins' }
  }

  /** Look and deed are two calls, as they are on HDFS: CONCAT itself asks for the tail alone. */
  async join({ stagedPath, path, baseBytes, sizeBytes }: JoinRequest): Promise<PublishOutcome> {
    const before = (await this.stat(path))?.sizeBytes
    if (before === undefined) return { kind: 'missing' }
    if (before === sizeBytes) return { kind: 'already-published' }
    if (before !== baseBytes) return { kind: 'mismatch', foundBytes: before }
    if (await this.#call('join', path, () => this.#concat(stagedPath, path))) {
      return { kind: 'published' }
    }
    const after = (await this.stat(path))?.sizeBytes ?? 0
    if (after === sizeBytes) return { kind: 'already-published' }
    return after === baseBytes ? { kind: 'missing' } : { kind: 'mismatch', foundBytes: after }
  }

  #concat(stagedPath: string, path: string): boolean {
    const [tail, file] = [this.store.get(stagedPath), this.store.get(path)]
    if (tail === undefined || file === undefined) return false
    this.#set(path, Buffer.concat([file.body, tail.body]))
    this.store.delete(stagedPath)
    return true
  }

  #set(path: string, body: Uint8Array): LakeObject {
    const modifiedMs = (this.#options.clock?.nowMs() ?? 0) - 600_000
    this.store.set(path, { body: new Uint8Array(body), modifiedMs })
    return { path, sizeBytes: body.byteLength, modifiedMs: unixMs(modifiedMs) }
  }

  #objectAt(path: string): LakeObject | undefined {
    const object = this.store.get(path)
    if (object === undefined) return undefined
    const { body, modifiedMs } = object
    return { path, sizeBytes: body.byteLength, modifiedMs: unixMs(modifiedMs) }
  }

  async #call<T>(
    operation: string,
    path: string,
    effect: () => T,
    { body, broken }: CallParts = {},
  ): Promise<T> {
    const call = ++this.calls
    this.history.push(`${operation} ${path}`)
    await this.#options.before?.(operation, path, body)
    await this.#wait(operation, path)
    if (!this.alive) {
      if (this.landsAfterDeath()) effect()
      else this.#break(operation, path, broken)
      return never()
    }
    this.#landDue(call)
    const refusal = this.#options.refusal?.(operation, path)
    if (refusal !== undefined) {
      await this.#options.awake?.()
      throw simFault(operation, path, refusal.reason, refusal.code)
    }
    const fault = this.#faultOf(call, operation, path)
    if (fault?.moment === 'lands-late') {
      this.#late.push({ atCall: call + callsUntilLateEffect, land: effect })
    }
    if (fault !== undefined && fault.moment !== 'after-effect') {
      if (fault.moment === 'before-effect') this.#break(operation, path, broken)
      await this.#options.awake?.()
      throw simFault(operation, path, 'request lost', fault.code)
    }
    const result = effect()
    await this.#wait(operation, path)
    await this.#options.awake?.()
    if (!this.alive) return never()
    if (fault !== undefined) throw simFault(operation, path, 'answer lost', fault.code)
    return result
  }

  #break(operation: string, path: string, broken: (() => void) | undefined): void {
    broken?.()
    this.#options.onBroken?.(operation, path)
  }

  #wait(operation: string, path: string): Promise<void> | undefined {
    const { clock, latencyMs } = this.#options
    if (clock === undefined || latencyMs === undefined) return undefined
    return clock.sleep(durationMs(latencyMs(operation, path)))
  }

  #landDue(call: number): void {
    for (const late of this.#late.filter(({ atCall }) => atCall <= call)) {
      this.#late.splice(this.#late.indexOf(late), 1)
      late.land()
    }
  }

  #faultOf(call: number, operation: string, path: string): LakeFault | undefined {
    if (this.#failing(call)) return this.fault
    const moment = this.#options.faultNow?.(operation, path)
    return moment === undefined ? undefined : { failAt: call, moment, lasting: 'once' }
  }

  #failing(call: number): boolean {
    if (this.fault === undefined) return false
    const { failAt, lasting } = this.fault
    return lasting === 'once' ? call === failAt : call >= failAt
  }
}

const never = (): Promise<never> => new Promise(() => {})

const simFault = (
  operation: string,
  path: string,
  reason: string,
  code: LakeFault['code'] = 'LAKE_UNAVAILABLE',
): Fault => new Fault(code, { operation, path, reason: `sim: ${reason}` })

/**
 * A lake in memory whose calls take simulated time. Nothing fails: what writers do to each other is
 * all there is to see.
 */
import { durationMs, type UnixMs } from '../../src/base/time.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type {
  Lake,
  LakeObject,
  PublishOutcome,
  PublishRequest,
  PutOutcome,
  StagedPlace,
  StageRequest,
} from '../../src/ports/lake.ts'
import type { Random } from '../../src/ports/random.ts'

interface Stored {
  readonly body: Uint8Array
  readonly modifiedMs: UnixMs
}

/** Mean of each kind of call; each takes between half of it and one and a half. */
export interface CallTimes {
  readonly putMs: number
  readonly readMs: number
  readonly listMs: number
}

/** What lies on the lake, by folder and name, and what was tried on its log. */
export class Shelf {
  readonly #folders = new Map<string, Map<string, Stored>>()
  /** Puts of log entries that came first, and those that found another there. */
  entries = 0
  racesLost = 0
  calls = 0

  get(path: string): Stored | undefined {
    const [folder, name] = parts(path)
    return this.#folders.get(folder)?.get(name)
  }

  set(path: string, object: Stored): void {
    const [folder, name] = parts(path)
    const objects = this.#folders.get(folder) ?? new Map<string, Stored>()
    this.#folders.set(folder, objects.set(name, object))
  }

  delete(path: string): void {
    const [folder, name] = parts(path)
    this.#folders.get(folder)?.delete(name)
    if (this.#folders.get(folder)?.size === 0) this.#folders.delete(folder)
  }

  /** Below a folder at any depth, sorted. */
  below(folder: string): readonly LakeObject[] {
    const folders = [...this.#folders].filter(([at]) => `${at}/`.startsWith(`${folder}/`))
    const objects = folders.flatMap(([at, names]) =>
      [...names].map(([name, stored]) => objectOf(`${at}/${name}`, stored)),
    )
    return objects.toSorted((one, other) => (one.path < other.path ? -1 : 1))
  }
}

function parts(path: string): readonly [string, string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, slash), path.slice(slash + 1)]
}

const objectOf = (path: string, { body, modifiedMs }: Stored): LakeObject => ({
  path,
  sizeBytes: body.byteLength,
  modifiedMs,
})

export class TimedLake implements Lake {
  readonly url = 'bench:lake'
  readonly lingersMs = durationMs(0)
  readonly #shelf: Shelf
  readonly #clock: Clock
  readonly #random: Random
  readonly #times: CallTimes

  constructor(shelf: Shelf, ports: { clock: Clock; random: Random }, times: CallTimes) {
    this.#shelf = shelf
    this.#clock = ports.clock
    this.#random = ports.random
    this.#times = times
  }

  putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome> {
    return this.#call(this.#times.putMs, () => {
      const isEntry = path.includes('/log/')
      if (this.#shelf.get(path) !== undefined) {
        if (isEntry) this.#shelf.racesLost += 1
        return { kind: 'already-exists' }
      }
      if (isEntry) this.#shelf.entries += 1
      this.#set(path, body)
      return { kind: 'created' }
    })
  }

  put(path: string, body: Uint8Array): Promise<LakeObject> {
    return this.#call(this.#times.putMs, () => this.#set(path, body))
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#call(this.#times.readMs, () => this.#shelf.get(path)?.body)
  }

  async readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined> {
    return (await this.read(path))?.slice(first, next)
  }

  stat(path: string): Promise<LakeObject | undefined> {
    return this.#call(this.#times.readMs, () => {
      const stored = this.#shelf.get(path)
      return stored && objectOf(path, stored)
    })
  }

  list(folder: string): Promise<readonly LakeObject[]> {
    return this.#call(this.#times.listMs, () => this.#shelf.below(folder))
  }

  stage({ stagedPath, chunks }: StageRequest): Promise<string> {
    return this.#call(this.#times.putMs, () => {
      this.#set(stagedPath, Buffer.concat(chunks))
      return stagedPath
    })
  }

  publish({ stagedPath, path }: PublishRequest): Promise<PublishOutcome> {
    return this.#call(this.#times.putMs, () => {
      if (this.#shelf.get(path) !== undefined) return { kind: 'already-published' }
      const staged = this.#shelf.get(stagedPath)
      if (staged === undefined) return { kind: 'missing' }
      this.#shelf.set(path, staged)
      this.#shelf.delete(stagedPath)
      return { kind: 'published' }
    })
  }

  discard({ stagedPath }: StagedPlace): Promise<void> {
    return this.remove(stagedPath)
  }

  move(from: string, to: string): Promise<boolean> {
    return this.#call(this.#times.putMs, () => {
      const stored = this.#shelf.get(from)
      if (stored === undefined) return false
      this.#shelf.set(to, stored)
      this.#shelf.delete(from)
      return true
    })
  }

  remove(path: string): Promise<void> {
    return this.#call(this.#times.putMs, () => this.#shelf.delete(path))
  }

  #set(path: string, body: Uint8Array): LakeObject {
    const stored = { body: Uint8Array.from(body), modifiedMs: this.#clock.nowMs() }
    this.#shelf.set(path, stored)
    return objectOf(path, stored)
  }

  /** The effect comes half way. */
  async #call<T>(meanMs: number, effect: () => T): Promise<T> {
    this.#shelf.calls += 1
    const halfMs = durationMs((meanMs * (0.5 + this.#random.fraction())) / 2)
    await this.#clock.sleep(halfMs)
    const result = effect()
    await this.#clock.sleep(halfMs)
    return result
  }
}

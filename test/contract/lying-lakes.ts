/** One wrong lake for each case of the lake contract: right in all but what that case is about. */
import type {
  LakeObject,
  PublishOutcome,
  PublishRequest,
  PutOutcome,
  StagedPlace,
  StageRequest,
} from '../../src/ports/lake.ts'
import { SimLake, type SimStore } from '../sim/lake.ts'

/** Where anybody has staged anything. */
const stagedTo = new WeakSet<SimStore>()

/** By name of the case. The store is that of the lake and of all that others hold over it. */
export const lyingLakes: Readonly<Record<string, (store: SimStore) => SimLake>> = {
  'a put if absent never replaces what stands there': (store) =>
    new (class extends SimLake {
      #racing = 0
      override async putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome> {
        this.#racing += 1
        const isAlone = this.#racing === 1
        const outcome = await super.putIfAbsent(path, body)
        if (isAlone && outcome.kind === 'already-exists') await super.put(path, body)
        this.#racing -= 1
        return outcome
      }
    })({ store }),

  'of twenty racing puts exactly one wins, and its bytes stand': (store) =>
    new (class extends SimLake {
      #racing = 0
      override async putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome> {
        this.#racing += 1
        const isSecond = this.#racing === 2
        const outcome = await super.putIfAbsent(path, body)
        this.#racing -= 1
        return isSecond ? { kind: 'created' } : outcome
      }
    })({ store }),

  'a put replaces the object whole and tells its size and time': (store) =>
    new (class extends SimLake {
      override async put(path: string, body: Uint8Array, signal?: AbortSignal) {
        const object = await super.put(path, body, signal)
        return { ...object, sizeBytes: object.sizeBytes + 1 }
      }
    })({ store }),

  'an empty object is an object': (store) =>
    new (class extends SimLake {
      override async stat(path: string): Promise<LakeObject | undefined> {
        const object = await super.stat(path)
        return object?.sizeBytes === 0 ? undefined : object
      }
    })({ store }),

  'a put that is given up leaves what stands': (store) =>
    new (class extends SimLake {
      override async put(path: string, body: Uint8Array, signal?: AbortSignal) {
        if (signal?.aborted === true) await super.put(path, body)
        return super.put(path, body, signal)
      }
    })({ store }),

  'what is not there is undefined, whichever way it is asked for': (store) =>
    new (class extends SimLake {
      override async readRange(path: string, first: number, next: number): Promise<Uint8Array> {
        return (await super.readRange(path, first, next)) ?? new Uint8Array(0)
      }
    })({ store }),

  'a range holds first and not next, and ends with the object': (store) =>
    new (class extends SimLake {
      override readRange(path: string, first: number, next: number) {
        return super.readRange(path, first, next + 1)
      }
    })({ store }),

  'a list holds every object below the folder, sorted, and nothing beside it': (store) =>
    new (class extends SimLake {
      override async list(folder: string): Promise<readonly LakeObject[]> {
        const beside = [...this.store.keys()].filter((path) => path.startsWith(`${folder}b/`))
        const found = await Promise.all(beside.map((path) => this.stat(path)))
        return [...(await super.list(folder)), ...found.filter((object) => object !== undefined)]
      }
    })({ store }),

  'a staged file is to be seen nowhere that a reader looks': (store) =>
    new (class extends SimLake {
      #open: StageRequest | undefined
      override stage(request: StageRequest): Promise<string> {
        this.#open = request
        return super.stage(request)
      }
      override publish(request: PublishRequest): Promise<PublishOutcome> {
        this.#open = undefined
        return super.publish(request)
      }
      override async read(path: string): Promise<Uint8Array | undefined> {
        const open = this.#open
        return open?.path === path ? Buffer.concat([...open.chunks]) : super.read(path)
      }
    })({ store }),

  'what is published is the chunks in order, of the last time that it was staged': (store) =>
    new (class extends SimLake {
      override async stage(request: StageRequest): Promise<string> {
        const before = this.store.get(request.stagedPath)
        const at = await super.stage(request)
        // As long as what was staged before: its beginning is kept.
        const body = before && Buffer.concat([before.body, ...request.chunks])
        const sizeBytes = this.store.get(request.stagedPath)?.body.byteLength
        if (body === undefined) return at
        this.store.set(request.stagedPath, { body: body.subarray(0, sizeBytes), modifiedMs: 0 })
        return at
      }
    })({ store }),

  'thousands of chunks are one file': (store) =>
    new (class extends SimLake {
      override stage(request: StageRequest): Promise<string> {
        const { chunks } = request
        const turned = chunks.length > 1_000 ? chunks.toReversed() : chunks
        return super.stage({ ...request, chunks: turned })
      }
    })({ store }),

  'a file of many megabytes is whole': (store) =>
    new (class extends SimLake {
      override stage(request: StageRequest): Promise<string> {
        const chunks = request.chunks.map((chunk) => {
          return chunk.byteLength < 4_000_000 ? chunk : Buffer.alloc(chunk.byteLength)
        })
        return super.stage({ ...request, chunks })
      }
    })({ store }),

  'an empty file can be staged': (store) =>
    new (class extends SimLake {
      override async publish(request: PublishRequest): Promise<PublishOutcome> {
        return request.sizeBytes === 0 ? { kind: 'missing' } : super.publish(request)
      }
    })({ store }),

  'publishing moves the staged file: it never stands in both places': (store) =>
    new (class extends SimLake {
      #publishing = 0
      override async publish(request: PublishRequest): Promise<PublishOutcome> {
        const isAlone = ++this.#publishing === 1
        const before = this.store.get(request.stagedPath)
        const outcome = await super.publish(request)
        // Its own, and only where nobody publishes at the same time.
        const isLeft = isAlone && before !== undefined && this.#staged.has(request.stagedPath)
        if (isLeft && request.sizeBytes === 8) this.store.set(request.stagedPath, before)
        this.#publishing -= 1
        return outcome
      }
      readonly #staged = new Set<string>()
      override stage(request: StageRequest): Promise<string> {
        this.#staged.add(request.stagedPath)
        return super.stage(request)
      }
    })({ store }),

  'ten who publish one file at once all see it published': (store) =>
    new (class extends SimLake {
      #publishing = 0
      override async publish(request: PublishRequest): Promise<PublishOutcome> {
        const isThird = ++this.#publishing === 3
        const outcome = await super.publish(request)
        this.#publishing -= 1
        return isThird ? { kind: 'missing' } : outcome
      }
    })({ store }),

  'another size than the log says is told, and nothing is moved': (store) =>
    new (class extends SimLake {
      override async publish(request: PublishRequest): Promise<PublishOutcome> {
        const outcome = await super.publish(request)
        return outcome.kind === 'mismatch' ? { kind: 'already-published' } : outcome
      }
    })({ store }),

  'neither staged nor published is missing': (store) =>
    new (class extends SimLake {
      override async publish(request: PublishRequest): Promise<PublishOutcome> {
        const isNew = !stagedTo.has(this.store)
        return isNew ? { kind: 'already-published' } : super.publish(request)
      }
      override stage(request: StageRequest): Promise<string> {
        stagedTo.add(this.store)
        return super.stage(request)
      }
    })({ store }),

  'names that readers would take for data are refused': (store) =>
    new (class extends SimLake {
      override async stage(request: StageRequest): Promise<string> {
        const isRefused = request.stagedPath.endsWith('.parquet')
        return isRefused ? request.stagedPath : super.stage(request)
      }
    })({ store }),

  'what another process staged can be published': (store) =>
    new (class extends SimLake {
      readonly #staged = new Set<string>()
      override stage(request: StageRequest): Promise<string> {
        this.#staged.add(request.stagedPath)
        return super.stage(request)
      }
      override async publish(request: PublishRequest): Promise<PublishOutcome> {
        return this.#staged.has(request.stagedPath) ? super.publish(request) : { kind: 'missing' }
      }
    })({ store }),

  'what was discarded cannot be published, by nobody': (store) =>
    new (class extends SimLake {
      readonly #staged = new Set<string>()
      override stage(request: StageRequest): Promise<string> {
        this.#staged.add(request.stagedPath)
        return super.stage(request)
      }
      override async discard(place: StagedPlace): Promise<void> {
        if (this.#staged.has(place.stagedPath)) await super.discard(place)
      }
    })({ store }),

  'a move takes the object away and never replaces another': (store) =>
    new (class extends SimLake {
      override async move(from: string, to: string): Promise<boolean> {
        await super.remove(to)
        return super.move(from, to)
      }
    })({ store }),

  'removing what is not there is no trouble': (store) =>
    new (class extends SimLake {
      override async remove(path: string): Promise<void> {
        const isThere = path.endsWith('.staged') || (await super.stat(path)) !== undefined
        if (!isThere) throw new Error(`"${path}" is not there`)
        await super.remove(path)
      }
    })({ store }),

  'a staging folder that was cleaned away can be staged to again': (store) =>
    new (class extends SimLake {
      readonly #gone = new Set<string>()
      override async discard(place: StagedPlace): Promise<void> {
        this.#gone.add(place.stagedPath)
        await super.discard(place)
      }
      override async stage(request: StageRequest): Promise<string> {
        const isGone = this.#gone.has(request.stagedPath)
        return isGone ? request.stagedPath : super.stage(request)
      }
    })({ store }),
}

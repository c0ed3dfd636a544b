/** Lakes that are wrong in how files grow, and which cases of the tails contract tell. */
import type { CanJoin, JoinRequest, PublishOutcome } from '../../src/ports/lake.ts'
import { SimLake, type SimStore } from '../sim/lake.ts'

const kind = 'hdfs'

export interface LyingTails {
  readonly open: (store: SimStore) => SimLake
  /** Names of the cases that fail, in order. */
  readonly fails: readonly string[]
}

const lengthOf = (store: SimStore, path: string): number => store.get(path)?.body.byteLength ?? 0

/** By what is wrong with the lake. */
export const lyingTails: Readonly<Record<string, LyingTails>> = {
  'says that it cannot': {
    open: (store) =>
      new (class extends SimLake {
        override async canJoin(): Promise<CanJoin> {
          return { kind: 'refuses', reason: 'it is not true' }
        }
      })({ store, kind }),
    fails: ['a folder like any other takes tails'],
  },

  'shows a tail that nobody has joined': {
    open: (store) =>
      new (class extends SimLake {
        override async read(path: string) {
          const body = await super.read(path)
          const tail = [...store].find(([key]) => key.includes('/.tail-'))?.[1]
          return body && tail ? Buffer.concat([body, tail.body]) : body
        }
      })({ store, kind }),
    fails: [
      'a staged tail changes nothing of the file',
      'no tail is joined before the one that it follows',
      'a file that went on has another length, and does not grow',
    ],
  },

  'asks for no length': {
    open: (store) =>
      new (class extends SimLake {
        override join(request: JoinRequest): Promise<PublishOutcome> {
          const baseBytes = lengthOf(store, request.path)
          const tailBytes = lengthOf(store, request.stagedPath)
          const isThere = store.has(request.path) && tailBytes > 0
          const told = { ...request, baseBytes, sizeBytes: baseBytes + tailBytes }
          return super.join(isThere ? told : request)
        }
      })({ store, kind }),
    fails: [
      'no tail is joined before the one that it follows',
      'a file that went on has another length, and does not grow',
    ],
  },

  'keeps the tail that it joins': {
    open: (store) =>
      new (class extends SimLake {
        override async join(request: JoinRequest): Promise<PublishOutcome> {
          const tail = store.get(request.stagedPath)
          const outcome = await super.join(request)
          if (outcome.kind === 'published' && tail) store.set(request.stagedPath, tail)
          return outcome
        }
      })({ store, kind }),
    fails: ['a joined tail stands behind the file, and nowhere else'],
  },

  'joins in the front': {
    open: (store) =>
      new (class extends SimLake {
        override async join(request: JoinRequest): Promise<PublishOutcome> {
          const before = store.get(request.path)?.body ?? new Uint8Array(0)
          const outcome = await super.join(request)
          if (outcome.kind !== 'published') return outcome
          const body = Buffer.from(store.get(request.path)?.body ?? [])
          const tail = body.subarray(before.byteLength)
          store.set(request.path, { body: Buffer.concat([tail, before]), modifiedMs: 0 })
          return outcome
        }
      })({ store, kind }),
    fails: [
      'a joined tail stands behind the file, and nowhere else',
      'tails stand in the order in which they were joined',
      'a tail that another process staged is joined',
      'of ten who join one tail at once all see it joined, once',
      'a file that went on has another length, and does not grow',
    ],
  },

  'tells a join that was made before as made now': {
    open: (store) =>
      new (class extends SimLake {
        override async join(request: JoinRequest): Promise<PublishOutcome> {
          const outcome = await super.join(request)
          return outcome.kind === 'already-published' ? { kind: 'published' } : outcome
        }
      })({ store, kind }),
    fails: [
      'a join that was made before is told as made',
      'of ten who join one tail at once all see it joined, once',
    ],
  },

  'makes a file of a tail': {
    open: (store) =>
      new (class extends SimLake {
        override async join(request: JoinRequest): Promise<PublishOutcome> {
          const tail = store.get(request.stagedPath)
          if (!store.has(request.path) && tail) store.set(request.path, tail)
          return super.join(request)
        }
      })({ store, kind }),
    fails: ['a file that is gone is missing, and no tail takes its place'],
  },

  'tells what is gone as done': {
    open: (store) =>
      new (class extends SimLake {
        override async join(request: JoinRequest): Promise<PublishOutcome> {
          const outcome = await super.join(request)
          return outcome.kind === 'missing' ? { kind: 'already-published' } : outcome
        }
      })({ store, kind }),
    fails: [
      'a tail that was discarded is missing',
      'a file that is gone is missing, and no tail takes its place',
    ],
  },
}

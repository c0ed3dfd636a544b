/** For each case of the contract of targets one that is wrong in that alone, by its name. */
import { Fault } from '../../src/base/fault.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import type { Behaviour, NotifierWorld, Received } from './notifier.ts'

/** A target in memory that is right in all. */
class PlainTarget implements Notifier {
  readonly target = 'plain'
  readonly readable = true
  readonly received: Received[] = []
  behaviour: Behaviour = 'well'

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw this.failed(manifest, 'given up')
    if (this.behaviour === 'hangs') {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    }
    if (this.behaviour !== 'well') throw this.failed(manifest, this.behaviour)
    this.take({ id: manifest.id, manifest })
  }

  take(received: Received): void {
    this.received.push(received)
  }

  failed({ id: manifestId }: ReadyManifest, reason: string): Fault {
    return new Fault('NOTIFY_FAILED', { target: this.target, manifestId, reason })
  }

  async readBack(manifest: ReadyManifest): Promise<boolean> {
    return this.received.some(({ id }) => id === manifest.id)
  }

  async close(): Promise<void> {}
}

const worldOf = (notifier: PlainTarget): NotifierWorld => ({
  notifier,
  received: async () => notifier.received,
  behave: (as) => {
    notifier.behaviour = as
  },
  close: async () => {},
})

const isOf = (hour: number, { id }: Pick<Received, 'id'>): boolean =>
  id.startsWith('growth/app_events/') && id.includes(`hour=${hour}`)

export const lyingNotifiers: Readonly<Record<string, () => NotifierWorld>> = {
  'an announcement comes whole': () =>
    worldOf(
      new (class extends PlainTarget {
        override take({ id, manifest }: Received): void {
          super.take({ id, manifest: manifest && { ...manifest, files: [] } })
        }
      })(),
    ),

  'what is delivered again is told by its id': () =>
    worldOf(
      new (class extends PlainTarget {
        override take({ id, manifest }: Received): void {
          const isAgain = this.received.some((other) => other.id === id)
          super.take({ id: isAgain ? `${id}/again` : id, manifest })
        }
      })(),
    ),

  "a stream's come in the order in which they were delivered": () =>
    worldOf(
      new (class extends PlainTarget {
        override take(received: Received): void {
          if (isOf(11, received)) this.received.unshift(received)
          else super.take(received)
        }
      })(),
    ),

  'several streams are delivered at the same time': () =>
    worldOf(
      new (class extends PlainTarget {
        #under = 0
        override async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
          this.#under += 1
          const isAlone = this.#under === 1
          await Promise.resolve()
          try {
            if (isAlone) await super.deliver(manifest, signal)
          } finally {
            this.#under -= 1
          }
        }
      })(),
    ),

  'a refusal is told as one that may pass, and it passes': () =>
    worldOf(
      new (class extends PlainTarget {
        override async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
          if (this.behaviour === 'refuses') throw new Error('answered 503')
          await super.deliver(manifest, signal)
        }
      })(),
    ),

  'one that hangs is given up when told, and taken up again': () =>
    worldOf(
      new (class extends PlainTarget {
        #hung = false
        override async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
          if (this.#hung) throw this.failed(manifest, 'no connection')
          this.#hung = this.behaviour === 'hangs'
          await super.deliver(manifest, signal)
        }
      })(),
    ),

  'nothing is begun that was given up before': () =>
    worldOf(
      new (class extends PlainTarget {
        override async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
          const own = signal.aborted ? new AbortController().signal : signal
          await super.deliver(manifest, own)
        }
      })(),
    ),

  'it goes on after it was closed': () =>
    worldOf(
      new (class extends PlainTarget {
        #isClosed = false
        override async close(): Promise<void> {
          this.#isClosed = true
        }
        override async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
          if (this.#isClosed) throw this.failed(manifest, 'closed')
          await super.deliver(manifest, signal)
        }
      })(),
    ),

  'one that can be read shows what was delivered, and nothing else': () =>
    worldOf(
      new (class extends PlainTarget {
        override async readBack(): Promise<boolean> {
          return this.received.length > 0
        }
      })(),
    ),
}

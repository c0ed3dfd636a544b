/** What announcements are posted to, seen from all daemons, and the way there. */
import { Fault } from '../../src/base/fault.ts'
import { durationMs } from '../../src/base/time.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import type { Weather } from './daemon-outside.ts'
import type { Life } from './life.ts'

export const webhookTarget = 'webhook:http://receiver/hook'

/** What is sent is taken so much later, whoever waits for it or not. */
const slowMsMax = 8_000
/** Beyond any deadline. */
const noAnswerMs = durationMs(60_000)

export interface Received {
  readonly manifest: ReadyManifest
  /** What stood on the lake when it came, as `RecordedStore.firstSet` counts. */
  readonly afterSet: number
}

/** The receiver's end. */
export class Receiver {
  readonly received: Received[] = []
  readonly #setCount: () => number

  constructor(setCount: () => number) {
    this.#setCount = setCount
  }

  #take(manifest: ReadyManifest): void {
    this.received.push({ manifest, afterSet: this.#setCount() })
  }

  /** One process's way to it: requests and answers are lost on it. */
  notifier(life: Life, weather: Weather): Notifier {
    const wait = (): Promise<void> => life.sleep(durationMs(weather.random.below(200)))
    return {
      target: webhookTarget,
      readable: false,
      deliver: async (manifest, signal) => {
        await wait()
        if (signal.aborted) throw lost(manifest, 'given up')
        if (weather.strikes('webhook-slow', 0.3)) {
          void life
            .sleep(durationMs(weather.random.below(slowMsMax)))
            .then(() => this.#take(manifest))
          await life.sleep(noAnswerMs, signal)
          throw lost(manifest, 'no answer in time')
        }
        if (weather.strikes('webhook-refused', 0.3)) throw lost(manifest, 'answered 503')
        if (weather.strikes('webhook-request-lost', 0.3)) throw lost(manifest, 'request lost')
        this.#take(manifest)
        await wait()
        if (weather.strikes('webhook-answer-lost', 0.3)) throw lost(manifest, 'answer lost')
      },
      readBack: async () => false,
      close: async () => {},
    }
  }
}

const lost = ({ id: manifestId }: ReadyManifest, reason: string): Fault =>
  new Fault('NOTIFY_FAILED', { target: webhookTarget, manifestId, reason: `sim: ${reason}` })

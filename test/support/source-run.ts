/** Sources that tests open on a broker, closed all at once. */
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import type { KafkaSourceOptions } from '../../src/adapters/kafka/options.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import type { Source } from '../../src/ports/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { eventually } from './eventually.ts'
import { sourceOptions } from './kafka-world.ts'
import { RecordingReader } from './recording-reader.ts'

const boundMs = 60_000
const all = { static: { workerIndex: 0, workerCount: 1 } } as const

/** Waits for what a real broker on a busy machine does in its time. */
export const until = (what: string, look: () => boolean): Promise<true> =>
  eventually(what, boundMs, () => look() || undefined)

export class SourceRun {
  readonly #opened: Source[] = []

  /** Reads every partition of `topics` through a port; options are those of tests. */
  async read(
    port: number,
    topics: readonly string[],
    more: Partial<KafkaSourceOptions> = {},
    reader = new RecordingReader(),
  ): Promise<RecordingReader> {
    const source = this.source(port, topics, more)
    await source.open(reader)
    return reader
  }

  /** Not opened yet. */
  source(port: number, topics: readonly string[], more: Partial<KafkaSourceOptions> = {}): Source {
    const options = sourceOptions({ host: '127.0.0.1', port }, topics, { assignment: all, ...more })
    const source = openKafkaSource(options, new SystemClock(), new SimTelemetry())
    this.#opened.push(source)
    return source
  }

  async close(): Promise<void> {
    for (const source of this.#opened.splice(0)) await source.close()
  }
}

/** "value 3" and so on: numbers tell what is missing, doubled or out of order. */
export const valuesOf = (first: number, next: number): readonly string[] =>
  Array.from({ length: next - first }, (_, index) => `value ${first + index}`)

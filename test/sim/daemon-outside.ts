/**
 * What a simulated process sees of the brokers, and calls that end with it.
 */
import { Fault } from '../../src/base/fault.ts'
import { durationMs } from '../../src/base/time.ts'
import type { NextOffset, Offset } from '../../src/model/offset.ts'
import type { SourceKey, SourcePartition } from '../../src/model/topic-partition.ts'
import type { OffsetPosition, Source, SourceReader } from '../../src/ports/source.ts'
import type { Life } from './life.ts'
import type { FaultKind } from './plan.ts'
import type { SimRandom } from './random.ts'
import type { SimSource } from './sim-source.ts'

const rebalanceTimeoutMs = durationMs(48_000)
const never = (): Promise<never> => new Promise(() => {})

/** What goes wrong now, and where is told what no daemon may ever do. */
export interface Weather {
  readonly random: SimRandom
  /** True when this fault happens now: it is on, and chance wants it. */
  strikes(kind: FaultKind, probability: number): boolean
  readonly violations: string[]
  /** A producer appends one record to the topic-partition. */
  append(partition: number): void
}

export const stackOf = (error: unknown): string =>
  error instanceof Error ? `${error.message}\n${error.stack}` : String(error)

/** Brokers that take their time, and do not always answer, nor for every partition. */
export function slowSource(source: SimSource, life: Life, weather: Weather): Source {
  const { random } = weather
  const ask = async <T>(answer: () => Promise<T>): Promise<T> => {
    const isSlow = weather.strikes('broker-slow', 0.3)
    const wait = (): Promise<void> => life.sleep(durationMs(random.below(isSlow ? 8_000 : 30)))
    await wait()
    if (weather.strikes('broker-silent', 0.3)) {
      throw new Fault('KAFKA_UNREACHABLE', { brokers: ['sim'], reason: 'sim: no answer' })
    }
    const answered = await answer()
    await wait()
    return answered
  }
  const partly = async <T>(asked: Promise<ReadonlyMap<SourceKey, T>>) => {
    const answers = await asked
    return new Map([...answers].filter(() => !weather.strikes('broker-partial', 0.4)))
  }
  return {
    open: (reader) => source.open(mortalReader(reader, { life, weather })),
    stopFetching: () => source.stopFetching(),
    close: () => source.close(),
    pause: (sources) => source.pause(sources),
    resume: (sources) => source.resume(sources),
    seek: (at, position) => source.seek(at, position),
    metadata: () => ask(() => source.metadata()),
    highWatermarks: (sources: readonly SourcePartition[]) =>
      ask<ReadonlyMap<SourceKey, NextOffset>>(() => {
        const [asked] = sources
        const strikes = asked !== undefined && weather.strikes('record-while-asked', 0.5)
        if (strikes) weather.append(asked.partition)
        return partly(source.highWatermarks(sources))
      }),
    offsetsAt: (sources: readonly SourcePartition[], position: OffsetPosition) =>
      ask<ReadonlyMap<SourceKey, Offset>>(() => partly(source.offsetsAt(sources, position))),
    groupOffsets: (group) => ask(() => source.groupOffsets(group)),
    epochEnds: (asked) => ask(() => partly(source.epochEnds(asked))),
    commitOffsets: (next) => source.commitOffsets(next),
    assigned: () => source.assigned(),
  }
}

interface Surroundings {
  readonly life: Life
  readonly weather: Weather
}

/** As the real adapter calls a reader: nobody waits for `onAssigned`, nor long for `onRevoked`. */
function mortalReader(reader: SourceReader, { life, weather }: Surroundings): SourceReader {
  const bug = (error: unknown): void => {
    if (life.alive) weather.violations.push(`a reader threw: ${stackOf(error)}`)
  }
  return {
    onAssigned: async (sources) => {
      if (life.alive) reader.onAssigned(sources).catch(bug)
      return new Map()
    },
    onRevoked: async (sources) => {
      if (!life.alive) return
      const revoked = reader.onRevoked(sources).catch(bug)
      await Promise.race([revoked, life.sleep(rebalanceTimeoutMs), life.died])
    },
    onLost: (sources) => {
      if (life.alive) reader.onLost(sources)
    },
    onFetched: async (answer) => {
      if (weather.strikes('fetch-slow', 0.6)) {
        await life.sleep(durationMs(weather.random.below(5_000)))
      }
      await life.awake()
      if (!life.alive) return never()
      await Promise.resolve(reader.onFetched(answer)).catch(bug)
      return life.alive ? undefined : never()
    },
    onRefused: (at, fault) => reader.onRefused(at, fault),
    onTrouble: (fault) => reader.onTrouble(fault),
  }
}

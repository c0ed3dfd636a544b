/** `bench -- ingest [--broker NAME]`: the embedded broker, or a real one. */
import { type BenchFlags, type BenchOutcome, Misused } from '../measure/outcome.ts'
import { benchIngest } from './ingest.ts'
import { benchRealIngest, realBrokers } from './real-ingest.ts'

const embedded = 'embedded'

/** @throws {Misused} there is no such broker. */
export function benchIngestOn({ isQuick, values }: BenchFlags): Promise<BenchOutcome> {
  const broker = values['broker'] ?? embedded
  if (broker === embedded) return benchIngest(isQuick)
  if (realBrokers.includes(broker)) return benchRealIngest(broker, isQuick)
  const accepted = [embedded, ...realBrokers].join(', ')
  throw new Misused(`--broker "${broker}" is not known; accepted: ${accepted}`)
}

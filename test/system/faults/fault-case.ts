/** One fault of the outside: how it is provoked, what the user is told, and how it ends. */
import { type FaultCode, faults } from '../../../src/base/fault.ts'
import type { FaultWorld } from './fault-world.ts'

export interface FaultCase {
  /** A sentence without its stop: the row's head in `docs/faults.md` and the test's name. */
  readonly name: string
  readonly code: FaultCode
  /** The message, "…" for what is of the moment. */
  readonly told: string
  /** What becomes of it, in words for the page. */
  readonly ends: string
  /** Keys of the section `kafka`, in flow style. */
  readonly kafka?: (world: FaultWorld) => string
  readonly environment?: Readonly<Record<string, string>>
  /** Puts something between the proxy and the broker. @returns its port. */
  readonly between?: (world: FaultWorld) => Promise<number>
  /** Which numbers can come in the end; all when absent. */
  readonly left?: (n: number) => boolean
  /** After numbers 0 to 99 are in the lake. Numbers that are produced here count. */
  readonly provoke: (world: FaultWorld) => Promise<void>
  /** After the user was told. */
  readonly heal: (world: FaultWorld) => Promise<void>
}

const retries = {
  backoff: 'tried again, with pauses that grow to 5 s',
  never: 'not tried again: that topic-partition stops, the others go on',
} as const

/** The page, from the cases alone. */
export function faultPage(cases: readonly FaultCase[]): string {
  const rows = cases.map(({ name, code, told, ends }) => {
    const { retry, hint } = faults[code]
    const retried = retry === 'backoff' || retry === 'never' ? retries[retry] : retry
    return `| ${[name, `\`${code}\`: ${told}`, retried, ends, hint].join(' | ')} |`
  })
  return `# Faults of the outside

Each row is a test (\`test/system/kafka-faults.test.ts\`, on a real broker) that provokes the fault
under a running daemon and asserts the message, and that in the end the lake holds every number of
the ledger that can still be read, once. The tries are counted where a proxy stands between; that
other topic-partitions go on is asserted where one stops.
\`npx vitest run --project fast test/unit/system/faults -u\` writes this page from the tests.

| what happens | what the user is told | meanwhile | how it ends | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`
}

/** True when a message is what the case says, with anything for each "…". */
export function isTold(message: string, told: string): boolean {
  const parts = told.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(message)
}

/** One fault of the outside: how it is provoked, what the user is told, and how it ends. */
import { type FaultCode, faults } from '../../../src/base/fault.ts'
import type { FaultWorld } from './fault-world.ts'

/** What the page says of a fault. */
export interface FaultRow {
  /** A sentence without its stop: the row's head in `docs/faults.md` and the test's name. */
  readonly name: string
  /** Absent, with the message: nobody is told, for nothing is held up. */
  readonly code?: FaultCode
  /** The message, "…" for what is of the moment. */
  readonly told?: string
  /** What is done about it, where nobody is told. */
  readonly meanwhile?: string
  /** What becomes of it, in words for the page. */
  readonly ends: string
}

/** A fault of Kafka. */
export interface FaultCase extends FaultRow {
  /** Keys of the section `kafka`, in flow style. */
  readonly kafka?: (world: FaultWorld) => string
  readonly environment?: Readonly<Record<string, string>>
  /** Puts something between the proxy and the broker. @returns its port. */
  readonly between?: (world: FaultWorld) => Promise<number>
  /** Which numbers can come in the end; all when absent. */
  readonly left?: (n: number) => boolean
  /** Of the topic; as many as it began with when absent. */
  readonly partitionsInTheEnd?: number
  /** After numbers 0 to 99 are in the lake. Numbers that are produced here count. */
  readonly provoke: (world: FaultWorld) => Promise<void>
  /** After the user was told. */
  readonly heal: (world: FaultWorld) => Promise<void>
}

/** Rows of one kind. */
export interface FaultSection {
  readonly title: string
  /** How they are provoked and judged, as lines of the page. */
  readonly about: string
  /** What is done about a fault that is tried again, and about one that is not. */
  readonly retries: { readonly backoff: string; readonly never: string }
  readonly rows: readonly FaultRow[]
}

/** The page, from the cases alone. */
export function faultPage(sections: readonly FaultSection[]): string {
  return `# Faults of the outside

Each row is a test that provokes the fault under a running daemon and asserts the message, and that
in the end the lake holds every number of the ledger that can still be read, once.
\`npx vitest run --project fast test/unit/system/faults -u\` writes this page from the tests.
${sections.map(sectionText).join('')}`
}

const sectionText = ({ title, about, retries, rows }: FaultSection): string => `
## ${title}

${about}

| what happens | what the user is told | meanwhile | how it ends | what to do |
|---|---|---|---|---|
${rows.map((row) => `| ${cellsOf(row, retries).join(' | ')} |`).join('\n')}
`

function cellsOf(row: FaultRow, retries: FaultSection['retries']): readonly string[] {
  const { name, code, told, meanwhile, ends } = row
  if (code === undefined || told === undefined) {
    return [name, 'nothing: nothing is held up', meanwhile ?? '–', ends, 'Nothing.']
  }
  const { retry, hint } = faults[code]
  const retried = retry === 'backoff' || retry === 'never' ? retries[retry] : retry
  return [name, `\`${code}\`: ${told}`, retried, ends, hint]
}

/** True when a message is what the case says, with anything for each "…". */
export function isTold(message: string, told: string): boolean {
  const parts = told.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(message)
}

/**
 * Mutated events through our path and through protobufjs: refused if and only if the reference
 * refuses them, equal otherwise, but for the committed kinds of differences.
 */
import { present } from '../../src/base/assert.ts'
import { Chance } from '../../src/demo/chance.ts'
import { type Difference, differenceKinds } from './differences.ts'
import { type ChangeCounts, mutated } from './mutate.ts'
import { type MutationSource, mutationSources } from './mutation-sources.ts'
import { OurPath, openKernel } from './our-path.ts'
import { Protobufjs, type Verdict, withNothingRequired, withTextAsBytes } from './references.ts'

export interface MutationResults {
  readonly tried: number
  readonly equal: number
  readonly refusedByBoth: number
  /** By the name of their kind; those that are listed. */
  readonly differences: ReadonlyMap<string, number>
  /** The smallest of each way of differing that is not listed, as text. */
  readonly failures: readonly string[]
  readonly failed: number
  readonly changes: ReadonlyMap<string, number>
  /** Our reasons. */
  readonly reasons: ReadonlyMap<string, number>
  /** Linear memory after half of the events, and at the end. */
  readonly kernelBytes: { readonly early: number; readonly end: number }
  /** Resident memory, highest in the first half and highest of all. */
  readonly rssBytes: { readonly early: number; readonly end: number }
}

const rowsPerFile = 500
const failuresShown = 10

class MutationRun {
  equal = 0
  refusedByBoth = 0
  failed = 0
  readonly differences = new Map<string, number>()
  readonly changes: ChangeCounts = new Map()
  readonly reasons = new Map<string, number>()
  /** By how they differ. */
  readonly #smallest = new Map<string, { readonly size: number; readonly text: string }>()

  get tried(): number {
    const listed = [...this.differences.values()].reduce((sum, count) => sum + count, 0)
    return this.equal + this.refusedByBoth + listed + this.failed
  }

  get failures(): readonly string[] {
    const sorted = [...this.#smallest.values()].sort((one, other) => one.size - other.size)
    return sorted.slice(0, failuresShown).map(({ text }) => text)
  }

  async judge(bytes: Uint8Array, ours: Verdict, subject: Subject): Promise<void> {
    const protobufjs = subject.protobufjs.verdict(bytes)
    if (ours.kind === 'refused') count(this.reasons, ours.reason)
    if (ours.kind === 'refused' && protobufjs.kind === 'refused') this.refusedByBoth += 1
    else if (ours.kind === 'row' && protobufjs.kind === 'row' && ours.row === protobufjs.row) {
      this.equal += 1
    } else await this.#differ(bytes, { ours, protobufjs }, subject)
  }

  async #differ(
    bytes: Uint8Array,
    { ours, protobufjs }: Verdicts,
    subject: Subject,
  ): Promise<void> {
    const { name } = subject
    const difference = await differenceOf(bytes, { ours, protobufjs }, subject)
    const kind = differenceKinds.find((each) => each.is(difference))
    if (kind !== undefined) return count(this.differences, kind.name)
    this.failed += 1
    const way = `${name}: ours ${wayOf(ours)}, protobufjs ${wayOf(protobufjs)}`
    const known = this.#smallest.get(way)
    if (known !== undefined && known.size <= bytes.length) return
    const shown = [ours, protobufjs].map((each) => (each.kind === 'row' ? each.row : each.reason))
    const text = [`${way} [${Buffer.from(bytes).toString('hex')}]`, ...shown].join('\n  ')
    this.#smallest.set(way, { size: bytes.length, text })
  }
}

interface Verdicts {
  readonly ours: Verdict
  readonly protobufjs: Verdict
}

/** With what its kind is told by. */
async function differenceOf(
  bytes: Uint8Array,
  { ours, protobufjs }: Verdicts,
  { isProto2, relaxed, asBytes }: Subject,
): Promise<Difference> {
  return {
    ours,
    protobufjs,
    nothingRequired: relaxed.protobufjs.verdict(bytes),
    oursNothingRequired: await verdictOf(bytes, relaxed.ours),
    isProto2,
    bytes,
    asBytes:
      asBytes &&
      (await differenceOf(
        bytes,
        {
          ours: await verdictOf(bytes, asBytes.ours),
          protobufjs: asBytes.protobufjs.verdict(bytes),
        },
        asBytes,
      )),
  }
}

async function verdictOf(bytes: Uint8Array, ours: OurPath): Promise<Verdict> {
  const [verdict] = await ours.verdicts([bytes])
  return present(verdict, 'a verdict for each payload')
}

const wayOf = (verdict: Verdict): string =>
  verdict.kind === 'row' ? 'has a row' : `refused (${verdict.reason})`
const count = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

/** A source with those who judge its events. */
interface Subject {
  readonly name: string
  readonly events: readonly Uint8Array[]
  readonly ours: OurPath
  readonly protobufjs: Protobufjs
  /** The same with nothing required. */
  readonly relaxed: { readonly ours: OurPath; readonly protobufjs: Protobufjs }
  readonly isProto2: boolean
  /** Of proto2: the same with texts as bytes. */
  readonly asBytes: Subject | undefined
}

/**
 * @param total events to try, rounded up to whole files.
 * @param seed  the same seed gives the same events.
 */
export async function runMutations(
  total: number,
  seed: number,
  sources: readonly MutationSource[] = mutationSources(seed),
): Promise<MutationResults> {
  const kernel = openKernel()
  const subjects = sources.map((source) => subjectOf(source, kernel))
  const chance = new Chance(seed)
  const run = new MutationRun()
  const memory = (): readonly [number, number] => [
    kernel.memoryBytes,
    process.resourceUsage().maxRSS * 1_024,
  ]
  let early: readonly [number, number] | undefined
  for (let file = 0; run.tried < total; file++) {
    const subject = present(subjects[file % subjects.length], 'there are sources')
    const payloads = Array.from({ length: rowsPerFile }, () =>
      mutated(subject.events, chance, run.changes),
    )
    const verdicts = await subject.ours.verdicts(payloads)
    for (const [index, verdict] of verdicts.entries()) {
      await run.judge(present(payloads[index], 'a payload for each verdict'), verdict, subject)
    }
    if (run.tried >= total / 2) early ??= memory()
  }
  const [earlyKernel, earlyRss] = early ?? memory()
  const [endKernel, endRss] = memory()
  return {
    tried: run.tried,
    equal: run.equal,
    refusedByBoth: run.refusedByBoth,
    differences: run.differences,
    failures: run.failures,
    failed: run.failed,
    changes: run.changes,
    reasons: run.reasons,
    kernelBytes: { early: earlyKernel, end: endKernel },
    rssBytes: { early: earlyRss, end: endRss },
  }
}

function subjectOf(source: MutationSource, kernel: ReturnType<typeof openKernel>): Subject {
  const isProto2 = source.schema.text.includes('syntax = "proto2"')
  const asBytes = { ...source, schema: withTextAsBytes(source.schema) }
  return { ...judgesOf(source, kernel), asBytes: isProto2 ? judgesOf(asBytes, kernel) : undefined }
}

function judgesOf(
  { name, schema, events }: MutationSource,
  kernel: ReturnType<typeof openKernel>,
): Subject {
  const protobufjs = new Protobufjs(schema)
  const relaxed = withNothingRequired(schema)
  const relaxedJudge = new Protobufjs(schema, relaxed)
  return {
    name,
    events,
    protobufjs,
    ours: new OurPath(schema, protobufjs, kernel),
    relaxed: { ours: new OurPath(relaxed, protobufjs, kernel), protobufjs: relaxedJudge },
    isProto2: schema.text.includes('syntax = "proto2"'),
    asBytes: undefined,
  }
}

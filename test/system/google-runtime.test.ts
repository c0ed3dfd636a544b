import { describe, expect, test } from 'vitest'
import { present } from '../../src/base/assert.ts'
import { Chance } from '../../src/demo/chance.ts'
import { googleDifferenceKinds } from '../conformance/google-differences.ts'
import { googleVerdicts, inSortedForm } from '../conformance/google-runtime.ts'
import { mutated } from '../conformance/mutate.ts'
import { mutationSources } from '../conformance/mutation-sources.ts'
import { OurPath, openKernel } from '../conformance/our-path.ts'
import {
  Protobufjs,
  type SchemaText,
  type Verdict,
  withTextAsBytes,
} from '../conformance/references.ts'
import { allCases } from '../conformance/run-cases.ts'
import { hasGoogleRuntime } from '../support/require-service.ts'

interface Judged {
  equal: number
  refusedByBoth: number
  readonly differences: Map<string, number>
  readonly failures: string[]
}

const nothingJudged = (): Judged => {
  return { equal: 0, refusedByBoth: 0, differences: new Map(), failures: [] }
}

/** Puts our verdicts beside those of the runtime. */
async function judge(
  schema: SchemaText,
  payloads: readonly Uint8Array[],
  judged: Judged,
): Promise<void> {
  const reference = new Protobufjs(schema)
  const verdicts = await verdictsOf(schema, payloads)
  const isProto2 = schema.text.includes('syntax = "proto2"')
  const bytesSchema = withTextAsBytes(schema)
  const asBytes = isProto2 ? await verdictsOf(bytesSchema, payloads) : undefined
  for (const [index, bytes] of payloads.entries()) {
    const { ours, google } = present(verdicts[index], 'verdicts for each payload')
    if (ours.kind === 'refused' && google.kind === 'refused') judged.refusedByBoth += 1
    else if (ours.kind === 'row' && google.kind === 'row' && ours.row === google.row) {
      judged.equal += 1
    } else {
      const protobufjs = reference.verdict(bytes)
      const difference = { ours, google, protobufjs, asBytes: asBytes?.[index] }
      const kind = googleDifferenceKinds.find((each) => each.is(difference))
      const hex = Buffer.from(bytes).toString('hex')
      if (kind === undefined) judged.failures.push(JSON.stringify({ hex, ...difference }))
      else judged.differences.set(kind.name, (judged.differences.get(kind.name) ?? 0) + 1)
    }
  }
}

interface Verdicts {
  readonly ours: Verdict
  readonly google: Verdict
}

async function verdictsOf(
  schema: SchemaText,
  payloads: readonly Uint8Array[],
): Promise<readonly Verdicts[]> {
  const theirs = googleVerdicts(schema, payloads)
  expect(theirs).toHaveLength(payloads.length)
  const verdicts = await new OurPath(schema, new Protobufjs(schema), openKernel()).verdicts(
    payloads,
  )
  return theirs.map((google, index) => {
    return { google, ours: inSortedForm(present(verdicts[index], 'a verdict for each payload')) }
  })
}

describe.skipIf(!hasGoogleRuntime())("Google's runtime for Python", () => {
  test('makes of every case what we make of it, but for the listed kinds', async () => {
    const judged = nothingJudged()
    const cases = allCases.filter(({ schema }) => schema.byHand !== true)
    for (const [schema, group] of Map.groupBy(cases, (each) => each.schema)) {
      await judge(
        schema,
        group.map(({ bytes }) => Uint8Array.from(bytes)),
        judged,
      )
    }
    expect(judged.failures).toEqual([])
    expect(judged.equal).toBeGreaterThan(1_000)
    expect(judged.refusedByBoth).toBeGreaterThan(500)
    expect([...judged.differences.keys()].toSorted()).toEqual(
      googleDifferenceKinds.map(({ name }) => name).toSorted(),
    )
  })

  test('makes of 2,000 mutated events what we make of them, but for the listed kinds', async () => {
    const judged = nothingJudged()
    const chance = new Chance(20_261_121)
    for (const { schema, events } of mutationSources(20_261_121)) {
      const payloads = Array.from({ length: 700 }, () => mutated(events, chance, new Map()))
      await judge(schema, payloads, judged)
    }
    expect(judged.failures).toEqual([])
    expect(judged.equal).toBeGreaterThan(400)
    expect(judged.refusedByBoth).toBeGreaterThan(400)
  })
})

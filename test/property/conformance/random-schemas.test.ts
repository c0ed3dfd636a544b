import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OurPath, openKernel } from '../../conformance/our-path.ts'
import { Bufbuild, Protobufjs, type Verdict } from '../../conformance/references.ts'
import { wireBytes } from '../../support/random-messages.ts'
import { anyDrawnSchema, type DrawnSchema, schemaText } from '../../support/random-schemas.ts'

/** Schemas a run; each comes with up to 40 messages. */
const runs = Number(process.env['LAKEWARD_PROPERTY_RUNS'] ?? 200)
const timeoutMs = 240_000

const drawn = fc
  .tuple(anyDrawnSchema, fc.boolean())
  .chain(([schema, packed]) =>
    fc.tuple(
      fc.constant(schema),
      fc.constant(packed),
      fc.array(wireBytes(schema), { minLength: 5, maxLength: 40 }),
    ),
  )

const textOf = ({ message }: DrawnSchema, packed: boolean) => {
  return { text: schemaText(message, packed), message: message.fullName }
}

/**
 * Closed enums and required fields: @bufbuild/protobuf keeps numbers that a closed enum does not
 * name in lists and maps, so its rows are judged of proto3 only.
 */
const bothJudge = ({ message }: DrawnSchema): boolean => message.syntax === 'proto3'

/**
 * A map with 64-bit keys whose key 0 comes with and without a key on the wire: protobufjs keeps
 * both entries.
 */
const isAmbiguous = (row: string): boolean => /\["0n",.*\["0n",/.test(row)

/** References take what they wrote, but for times that no column can hold. */
function expected(verdict: Verdict): Verdict {
  if (verdict.kind === 'row') return verdict
  expect(verdict.reason).toBe('out of range')
  return { kind: 'refused', reason: 'out-of-range' }
}

test(
  'any message of any schema is the same row in a Parquet file as both references decode it',
  async () => {
    let rows = 0
    let judgedTwice = 0
    let outOfRange = 0
    const kernel = openKernel()
    await fc.assert(
      fc.asyncProperty(drawn, async ([schema, packed, payloads]) => {
        const text = textOf(schema, packed)
        const protobufjs = new Protobufjs(text)
        const bufbuild = new Bufbuild(protobufjs, text)
        const ours = new OurPath(text, protobufjs, kernel)
        const verdicts = await ours.verdicts(payloads)
        ours.release()
        for (const [index, bytes] of payloads.entries()) {
          const theirs = expected(protobufjs.verdict(bytes))
          if (theirs.kind === 'row' && isAmbiguous(theirs.row)) continue
          expect(verdicts[index]).toEqual(theirs)
          if (theirs.kind === 'row') rows += 1
          else outOfRange += 1
          if (!bothJudge(schema)) continue
          expect(expected(bufbuild.verdict(bytes))).toEqual(theirs)
          judgedTwice += 1
        }
      }),
      { numRuns: runs },
    )
    expect(rows).toBeGreaterThan(runs * 5)
    expect(judgedTwice).toBeGreaterThan(runs)
    expect(outOfRange).toBeGreaterThan(runs / 20)
  },
  timeoutMs,
)

/** Runs cases through our path and the references. */
import type { Case, ReferenceName } from './cases/case.ts'
import { featureCases } from './cases/feature-cases.ts'
import { framingCases } from './cases/framing-cases.ts'
import { proto2Cases } from './cases/proto2-cases.ts'
import { scalarCases } from './cases/scalar-cases.ts'
import { textOf } from './normal-form.ts'
import { OurPath, openKernel, refusedFeature } from './our-path.ts'
import type { Plain } from './plain-form.ts'
import { Bufbuild, Protobufjs, type SchemaText, type Verdict } from './references.ts'
import { refusedSchemas } from './refused.ts'

export const allCases: readonly Case[] = [
  ...scalarCases,
  ...framingCases,
  ...proto2Cases,
  ...featureCases,
]

export interface CaseResults {
  readonly tried: number
  readonly passed: number
  /** Schemas that were refused, as the committed list has them. */
  readonly refused: number
  readonly failures: readonly string[]
}

/** All cases and all refused schemas. */
export async function runCases(cases: readonly Case[] = allCases): Promise<CaseResults> {
  const failures: string[] = []
  const bySchema = Map.groupBy(cases, ({ schema }) => schema)
  for (const [schema, group] of bySchema) failures.push(...(await failuresOf(schema, group)))
  const unrefused = refusedSchemas.flatMap(({ name, schema, says }) => {
    const said = refusedFeature(schema)
    if (said === undefined) return [`${name}: is taken; give it cases, and take it from the list`]
    return says.test(said) ? [] : [`${name}: is refused for something else: ${said}`]
  })
  return {
    tried: cases.length + refusedSchemas.length,
    passed: cases.length - failures.length,
    refused: refusedSchemas.length - unrefused.length,
    failures: [...failures, ...unrefused],
  }
}

async function failuresOf(schema: SchemaText, cases: readonly Case[]): Promise<readonly string[]> {
  const protobufjs = new Protobufjs(schema)
  const bufbuild = schema.byHand === true ? undefined : new Bufbuild(protobufjs, schema)
  const ours = new OurPath(schema, protobufjs, openKernel())
  const payloads = cases.map(({ bytes }) => Uint8Array.from(bytes))
  const verdicts = await ours.verdicts(payloads)
  return cases.flatMap((each, index) => {
    const bytes = payloads[index] ?? new Uint8Array()
    const mine = verdicts[index] ?? { kind: 'refused', reason: 'no verdict' }
    const trouble = troubleOf(each, mine, {
      protobufjs: protobufjs.verdict(bytes),
      bufbuild: bufbuild?.verdict(bytes),
    })
    return trouble === undefined ? [] : [`${each.name}: ${trouble} [${hexOf(bytes)}]`]
  })
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, 80)).toString('hex')
const shown = (verdict: Verdict): string =>
  verdict.kind === 'row' ? verdict.row : `refused (${verdict.reason})`

type References = Readonly<Record<ReferenceName, Verdict | undefined>>

function troubleOf(each: Case, mine: Verdict, references: References): string | undefined {
  const { expected, fields, exempt, schema } = each
  if (mine.kind !== expected) return `ours is ${shown(mine)}, expected is ${expected}`
  for (const name of ['protobufjs', 'bufbuild'] as const) {
    const theirs = references[name]
    if (theirs === undefined) continue
    const sameRow = schema.byHand === true || rowOf(theirs) === rowOf(mine)
    const agrees = theirs.kind === mine.kind && sameRow
    if (exempt?.references.includes(name)) {
      // One exemption serves many cases, and @bufbuild/protobuf is right in some of them by chance.
      if (agrees && name === 'protobufjs') return `${name} agrees, though it is exempt`
    } else if (!agrees) return `${name} is ${shown(theirs)}, ours is ${shown(mine)}`
  }
  if (schema.byHand === true && expected === 'row' && fields === undefined)
    return 'no value is stated'
  return mine.kind === 'row' && fields !== undefined ? wrongField(mine.row, fields) : undefined
}

const rowOf = (verdict: Verdict): string => (verdict.kind === 'row' ? verdict.row : '')

function wrongField(row: string, fields: Readonly<Record<string, Plain>>): string | undefined {
  const values = JSON.parse(row) as Record<string, Plain>
  for (const [name, expected] of Object.entries(fields)) {
    const found = values[name]
    if (found === undefined) return `there is no field ${name}`
    if (textOf(found) !== textOf(expected)) {
      return `${name} is ${textOf(found)}, expected is ${textOf(expected)}`
    }
  }
  return undefined
}

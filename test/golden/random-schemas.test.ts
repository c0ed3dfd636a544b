/** Files of random schemas, read by pyarrow and DuckDB: every value as protobufjs decodes it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { present } from '../../src/base/assert.ts'
import { formOfRow, textOf } from '../conformance/normal-form.ts'
import { OurPath, openKernel } from '../conformance/our-path.ts'
import { Protobufjs, type SchemaText } from '../conformance/references.ts'
import { seed } from '../support/chance.ts'
import { wireBytes } from '../support/random-messages.ts'
import { anyDrawnSchema, schemaText } from '../support/random-schemas.ts'
import { hasPyarrow } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { readers } from './readers/readers.ts'
import { valueOfSeen } from './readers/seen-value.ts'

const schemaCount = 300

interface RandomFile {
  readonly name: string
  readonly schema: SchemaText
  readonly protobufjs: Protobufjs
  /** In normal form. */
  readonly rows: readonly string[]
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let files: ReadonlyMap<RandomFile, string>

const drawn = anyDrawnSchema.chain((schema) =>
  fc.tuple(fc.constant(schema), fc.array(wireBytes(schema), { minLength: 1, maxLength: 30 })),
)

/** protobufjs keeps two entries of a map whose 64-bit key 0 comes with and without a key. */
const isAmbiguous = (row: string): boolean => /\["0n",.*\["0n",/.test(row)

beforeAll(async () => {
  folder = await temporaryFolder()
  const kernel = openKernel()
  const samples = fc.sample(drawn, { numRuns: schemaCount, seed })
  files = new Map(
    samples.map(([{ message }, payloads], index) => {
      const schema = { text: schemaText(message, index % 2 === 0), message: message.fullName }
      const protobufjs = new Protobufjs(schema)
      const taken = payloads.flatMap((bytes) => {
        const verdict = protobufjs.verdict(bytes)
        return verdict.kind === 'row' && !isAmbiguous(verdict.row)
          ? [{ bytes, row: verdict.row }]
          : []
      })
      const ours = new OurPath(schema, protobufjs, kernel)
      const { bytes, refusals } = ours.file(taken.map((each) => each.bytes))
      ours.release()
      expect([...refusals]).toEqual([])
      const path = join(folder.path, `${index}.parquet`)
      writeFileSync(path, bytes)
      return [{ name: `${index}`, schema, protobufjs, rows: taken.map(({ row }) => row) }, path]
    }),
  )
})
afterAll(() => folder[Symbol.asyncDispose]())

const judges = readers.filter(({ id }) => ['pyarrow', 'duckdb'].includes(id))

test.skipIf(!hasPyarrow()).each(judges)(
  '$title sees every value of files of random schemas',
  async ({ ask }) => {
    const { answers } = await ask(files)
    expect(answers.length).toBe(schemaCount)
    let rowCount = 0
    for (const { name, schema, protobufjs, rows } of files.keys()) {
      const answer = present(
        answers.find((each) => each.name === name),
        'an answer to every file',
      )
      const seen = Array.isArray(answer.rows)
        ? answer.rows.map((row) => textOf(formOfRow(valueOfSeen(row), protobufjs.type)))
        : answer.rows
      expect(seen, `LAKEWARD_SEED=${seed}, file ${name}\n${schema.text}`).toEqual(rows)
      rowCount += rows.length
    }
    expect(rowCount).toBeGreaterThan(schemaCount * 5)
  },
)

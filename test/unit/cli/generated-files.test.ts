import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { faults } from '../../../src/base/fault.ts'
import { configReference } from '../../../src/cli/config-reference.ts'
import { errorReference } from '../../../src/cli/error-reference.ts'
import { generatedFiles } from '../../../src/cli/generated-files.ts'
import { configSection } from '../../../src/daemon/config.ts'

const files = generatedFiles()

/** The text of a generated file, as it would be written. */
function textOf(path: string): string {
  const text = files.get(path)
  if (text === undefined) throw new Error(`"${path}" is generated`)
  return text
}

test.each([...files])('%s is fresh: "npm run generate" would not change it', (path, text) => {
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('three files are generated', () => {
  expect([...files.keys()]).toEqual([
    'docs/config.md',
    'config/lakeward.schema.json',
    'docs/errors.md',
  ])
})

test('docs/errors.md lists exactly the faults of the table, each with what concerns it', () => {
  const text = textOf('docs/errors.md')
  const listed = [...text.matchAll(/^## (\w+)$/gm)].map(([, code]) => code)
  expect(listed).toEqual(Object.keys(faults).toSorted())
  for (const { hint } of Object.values(faults)) expect(text).toContain(hint)
  expect(text).not.toMatch(/undefined|\[object|=>/)
})

test('a message is listed with the names of its facts, whatever it does with them', () => {
  const text = errorReference({
    DRAWN: {
      domain: 'internal',
      retry: 'never',
      message: (f: { names: readonly string[]; count: number; at: { path: string } }) =>
        `${f.names.join(', ')} ${f.count.toFixed(1)} ${f.names.map((name) => name).join()} ${f.at.path}`,
      hint: 'Look.',
    },
  })
  expect(text).toContain('    <names> <count> <names> <at>\n')
  expect(text).toContain('Concerns: internal. Again: never.')
})

test('docs/config.md has a line for every key, and those not built apart', () => {
  const [built = '', unbuilt = ''] = textOf('docs/config.md').split('## Known, and not supported')
  const keys = (text: string): readonly (string | undefined)[] =>
    [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key)
  expect(keys(built)).toEqual(
    expect.arrayContaining(['pipeline', 'commit.interval', 'streams[].etl[].filter.where']),
  )
  expect(keys(unbuilt)).toEqual(
    expect.arrayContaining(['merge', 'audit', 'streams[].limits.errorRate']),
  )
  const tops = new Set([...keys(built), ...keys(unbuilt)].map((key) => key?.split(/[.[]/)[0]))
  expect(tops).toEqual(new Set(Object.keys(configSection.shape)))
})

test('a line of the reference shows required keys, defaults and bars in text', () => {
  const page = configReference({
    required: ['a'],
    properties: {
      a: { accepted: 'x | y', description: 'Which.' },
      b: { accepted: 'text', default: 'x' },
      c: { items: { accepted: 'text' }, default: [] },
    },
  })
  expect(page).toContain('| `a` | x \\| y | required | Which. |')
  expect(page).toContain('| `b` | text | `x` |  |')
  expect(page).toContain('| `c` | a list of text | `[]` |  |')
})

test('the JSON Schema knows the keys, their forms and defaults, and no wording of ours', () => {
  const text = textOf('config/lakeward.schema.json')
  const schema: unknown = JSON.parse(text)
  expect(schema).toMatchObject({
    additionalProperties: false,
    required: ['pipeline', 'kafka', 'lake'],
    properties: {
      merge: { not: {} },
      commit: {
        properties: {
          interval: { type: 'string', pattern: '^\\d+(ms|s|m|h|d)$', default: '60s' },
        },
      },
    },
  })
  expect(text).not.toContain('"accepted"')
})

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { configSection, parseConfig } from '../../../../src/daemon/config.ts'

interface KeySchema {
  readonly properties?: Readonly<Record<string, KeySchema>>
  readonly items?: KeySchema
  /** Stands where a key's feature is not built. */
  readonly not?: object
}

/** Paths of all keys that are built: "commit.interval", "streams[].name". */
function builtKeys({ properties = {}, items }: KeySchema, above = ''): readonly string[] {
  const own = Object.entries(properties).flatMap(([key, value]) => {
    if (value.not !== undefined) return []
    const path = above === '' ? key : `${above}.${key}`
    return [path, ...builtKeys(value, path)]
  })
  return items === undefined ? own : [...own, ...builtKeys(items, `${above}[]`)]
}

/** Paths of all keys of a tree, in the same form. */
function keysOf(tree: unknown, above = ''): readonly string[] {
  if (Array.isArray(tree)) return tree.flatMap((item) => keysOf(item, `${above}[]`))
  if (typeof tree !== 'object' || tree === null) return []
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = above === '' ? key : `${above}.${key}`
    return [path, ...keysOf(value, path)]
  })
}

const read = (file: string): unknown => parse(readFileSync(file, 'utf8'))

/** Keys that cannot stand beside those of the example: a comment shows them. */
const instead = new Map([
  ['kafka.sasl.token', '`token: file:path`'],
  ['lake.hdfs.principal', 'instead: principal: etl@EXAMPLE.COM'],
])

test('the example and its stream file show every key that is built', () => {
  const schema = z.toJSONSchema(configSection, { io: 'input' }) as KeySchema
  const built = new Set(builtKeys(schema))
  expect(built.size).toBeGreaterThan(50)
  const shown = [
    ...keysOf(read('config/lakeward.yaml')),
    ...keysOf(parse(onS3())),
    ...keysOf(parse(onHdfs())),
    ...keysOf(parse(commented('For streams of the format confluent-protobuf'))),
    ...keysOf({ streams: [read('config/streams/page_views.yaml')] }),
    ...instead.keys(),
  ]
  const text = readFileSync('config/lakeward.yaml', 'utf8')
  expect([...instead.values()].filter((comment) => !text.includes(comment))).toEqual([])
  expect([...built].filter((key) => !shown.includes(key))).toEqual([])
})

/** The section that stands in a comment: a lake is in one place. */
const onS3 = (): string => commented('On S3 instead')
const onHdfs = (): string => commented('On HDFS instead')

function commented(title: string): string {
  const text = readFileSync('config/lakeward.yaml', 'utf8')
  const [, block = ''] = text.split(`# ${title}:\n`)
  const [lines = ''] = /^(?:#.*\n)+/.exec(block) ?? []
  return lines.replaceAll(/^# /gm, '')
}

test.each([
  ['S3', onS3()],
  ['HDFS', onHdfs()],
])('the lake on %s that stands in a comment is right', (_, section) => {
  const example = read('config/lakeward.yaml') as Record<string, unknown>
  const tree = { ...example, ...(parse(section) as Record<string, unknown>) }
  expect(parseConfig(tree).problems).toEqual([])
})

test('every value of the example has its comment on the line', () => {
  const lines = readFileSync('config/lakeward.yaml', 'utf8').split('\n')
  const values = lines.filter((line) => /^[^#]*\w: *[^ #]/.test(line))
  expect(values.length).toBeGreaterThan(30)
  expect(values.filter((line) => !line.includes(' # '))).toEqual([])
})

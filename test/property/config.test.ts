import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Config, parseConfig, printConfig } from '../../src/daemon/config.ts'
import { identityColumns } from '../../src/model/row-batch.ts'

/** Keys with undefined values are left out, as in a file. */
const sectionOf = (keys: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc.record(keys, { requiredKeys: [] })

/** A quantity with its unit, between two counts of that unit. */
const quantity = (unit: string, min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((count) => `${count}${unit}`)

/** Hundreds of configurations on a busy machine. */
const timeoutMs = 60_000

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
const secret = fc.oneof(
  word.map((name) => `env:${name}`),
  word.map((name) => `file:${name}.key`),
)
const moment = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())

const kafka = fc.record(
  {
    brokers: fc.array(
      fc.tuple(word, fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
      { minLength: 1, maxLength: 3 },
    ),
    group: word,
    assignment: fc.constantFrom('group', 'static'),
    start: fc.oneof(fc.constantFrom('earliest', 'latest'), moment),
    sasl: fc.record({
      mechanism: fc.constantFrom('plain', 'scram-sha-256', 'scram-sha-512'),
      username: word,
      password: secret,
    }),
    tls: sectionOf({ ca: word.map((name) => `file:${name}.pem`) }),
  },
  { requiredKeys: ['brokers'] },
)

const target = fc.record({
  webhook: fc.record({ url: word.map((path) => `https://host/${path}`), secret }),
})

const ready = sectionOf({
  delay: quantity('s', 0, 86_400),
  idle: fc.oneof(quantity('m', 60, 1_000), quantity('ms', 3_600_000, 4_000_000)),
  deliver: sectionOf({ deadline: quantity('ms', 1_000, 600_000) }),
  notify: fc
    .uniqueArray(target, { maxLength: 3, selector: ({ webhook }) => webhook.url })
    .chain((targets) =>
      fc.boolean().map((marks) => (marks ? [...targets, { 'success-file': {} }] : targets)),
    ),
})

const filterText = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== '')

const filterStep = fc.record({ filter: fc.record({ where: filterText, reason: word }) })
const moduleStep = fc.record({ module: word.map((name) => `etl/${name}.ts`) })

const streamKeys = {
  format: fc.constantFrom('raw-event', 'protobuf'),
  schema: fc.record({ file: word.map((name) => `${name}.proto`), message: word }),
  eventTime: sectionOf({
    outOfOrderness: quantity('s', 0, 3_600),
    futureMax: quantity('h', 0, 48),
    pastMax: quantity('d', 1, 3_650),
  }),
  partition: sectionOf({
    by: fc.constantFrom('hour', 'day'),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Pacific/Apia'),
  }),
  file: sectionOf({
    mode: fc.constant('new'),
    codec: fc.constantFrom('zstd', 'gzip'),
    level: fc.integer({ min: 1, max: 9 }),
    rollBytes: quantity('KiB', 64, 1_000_000),
    rowGroupBytes: quantity('MiB', 1, 1_024),
    pageIndex: fc.boolean(),
    bloom: fc.uniqueArray(word, { maxLength: 3 }),
  }),
  late: sectionOf({ policy: fc.constant('dead-letter') }),
  columns: fc.uniqueArray(fc.constantFrom(...identityColumns)),
  names: fc.constantFrom('as-declared', 'snake', 'lower'),
  etl: fc
    .tuple(fc.array(filterStep, { maxLength: 3 }), fc.option(moduleStep))
    .map(([filters, module]) => (module === null ? filters : [...filters, module])),
  limits: sectionOf({ etlTime: quantity('ms', 10, 300_000), memory: quantity('MiB', 16, 8_192) }),
}

/** Streams with names and topics of their own: `s0` reads `t0`, and so on. */
const streams = fc
  .array(
    fc.tuple(
      fc.record(streamKeys, { requiredKeys: ['schema'] }),
      fc.record({ hasTable: fc.boolean(), topicCount: fc.integer({ min: 1, max: 3 }) }),
    ),
    { maxLength: 3 },
  )
  .map((all) =>
    all.map(([keys, { hasTable, topicCount }], index) => ({
      ...keys,
      name: `s${index}`,
      ...(hasTable ? { table: `table_${index}` } : {}),
      ...(topicCount === 1
        ? { topic: `t${index}` }
        : { topics: Array.from({ length: topicCount }, (_, part) => `t${index}.${part}`) }),
    })),
  )

const configTree = fc.record(
  {
    pipeline: word,
    kafka,
    lake: fc.record({ url: word.map((path) => `file:./${path}`) }),
    registry: fc.record({ url: word.map((path) => `file:/${path}`) }),
    commit: sectionOf({ interval: quantity('ms', 100, 3_600_000) }),
    memory: sectionOf({ buffers: quantity('MiB', 16, 100_000) }),
    ready,
    http: sectionOf({ listen: fc.constantFrom('127.0.0.1:0', 'localhost:1'), token: secret }),
    streams,
  },
  { requiredKeys: ['pipeline', 'kafka', 'lake'] },
)

/** The default of `ready.idle` can be less than a drawn commit interval: that is refused. */
function readRight(tree: unknown): Config {
  const { config, problems } = parseConfig(tree)
  fc.pre(!problems.some(({ path }) => path.join('.') === 'ready.idle'))
  expect(problems).toEqual([])
  if (config === undefined) throw new Error('a configuration without problems is read')
  return config
}

test(
  'a printed configuration reads back as the same',
  () => {
    fc.assert(
      fc.property(configTree, (tree) => {
        const config = readRight(tree)
        const printed = printConfig(config, 'as-references')
        expect(readRight(parse(printed))).toEqual(config)
        expect(printConfig(readRight(parse(printed)), 'as-references')).toBe(printed)
      }),
      { numRuns: 100 },
    )
  },
  timeoutMs,
)

test(
  'anything at all is read or refused with problems, and nothing is thrown',
  () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (tree) => {
        const { config, problems } = parseConfig(tree)
        expect(config === undefined).toBe(problems.length > 0)
      }),
      { numRuns: 100 },
    )
  },
  timeoutMs,
)

test(
  'anything in the place of a section is refused by problems that name that section',
  () => {
    const keys = ['pipeline', 'kafka', 'lake', 'commit', 'memory', 'ready', 'http', 'streams']
    fc.assert(
      fc.property(configTree, fc.constantFrom(...keys), fc.anything(), (tree, key, value) => {
        readRight(tree)
        const { problems } = parseConfig({ ...tree, [key]: value })
        const others = problems.filter(({ path, text }) => path[0] !== key && !text.includes(key))
        expect(others).toEqual([])
      }),
      { numRuns: 100 },
    )
  },
  timeoutMs,
)

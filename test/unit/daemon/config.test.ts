import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseConfig, printConfig } from '../../../src/daemon/config.ts'
import {
  configTree as config,
  onlyProblem,
  problemsOf,
  streamTree as stream,
  streamProblem,
  type Tree,
} from '../../support/config-trees.ts'

test('a configuration with only what is required gets every default', () => {
  const { config: read, problems } = parseConfig(config())
  expect(problems).toEqual([])
  expect(read).toEqual({
    pipeline: 'growth',
    kafka: {
      brokers: ['127.0.0.1:9092'],
      group: 'growth',
      groupProtocol: 'classic',
      assignment: 'group',
      sessionTimeout: 10_000,
      start: 'earliest',
    },
    lake: { url: 'file:./lake' },
    commit: { interval: 60_000 },
    memory: { buffers: 1_073_741_824 },
    log: { keep: 604_800_000, shards: {} },
    ready: { delay: 300_000, idle: 600_000, deliver: { deadline: 60_000 }, notify: [] },
    http: { listen: '127.0.0.1:8700' },
    streams: [
      {
        name: 'app_events',
        topics: ['growth.events'],
        format: 'raw-event',
        schema: { file: 'app_event.proto', message: 'growth.AppEvent' },
        eventTime: { outOfOrderness: 30_000, futureMax: 3_600_000, pastMax: 2_592_000_000 },
        table: 'app_events',
        partition: { by: 'hour', timezone: 'UTC' },
        file: {
          mode: 'new',
          codec: 'zstd',
          encodings: 'auto',
          rollBytes: 536_870_912,
          rowGroupBytes: 134_217_728,
          pageIndex: true,
          bloom: [],
        },
        ready: { after: [], emptyRunMax: 744 },
        late: { policy: 'dead-letter', every: 300_000, closeAfter: 604_800_000 },
        columns: [],
        mapping: {
          enums: 'string',
          timestamps: 'int64-micros',
          durations: 'int64-micros',
          nested: 'struct',
        },
        names: 'as-declared',
        etl: [],
        limits: { etlTime: 2_000, memory: 67_108_864 },
      },
    ],
  })
})

test('all problems are told at once, each with its path', () => {
  const problems = problemsOf({
    pipelin: 'growth',
    kafka: { brokers: [9092] },
    lake: { url: 'file:./lake' },
    commit: { interval: 60 },
    ready: null,
    streams: [stream({ name: '_a' }), stream({ formt: 'raw-event' }), 'app_events'],
  })
  expect(problems.map((problem) => problem.slice(0, problem.indexOf(':')))).toEqual([
    'pipeline',
    'kafka.brokers[0]',
    'commit.interval',
    'ready',
    'streams[0].name',
    'streams[1].formt',
    'streams[2]',
    'pipelin',
  ])
})

describe('keys', () => {
  test('an unknown key is refused with the nearest ones', () => {
    expect(onlyProblem(config({ comit: {} }))).toBe('comit: unknown key; nearest: commit')
    expect(onlyProblem(config({ commit: { intervall: '60s' } }))).toBe(
      'commit.intervall: unknown key; nearest: interval',
    )
    expect(streamProblem({ eventTime: { out_of_orderness: '1s' } })).toBe(
      'streams[0].eventTime.out_of_orderness: unknown key; nearest: outOfOrderness',
    )
  })

  test('an unknown key that is near to none is refused with all that are accepted', () => {
    expect(onlyProblem(config({ lake: { url: 'file:./lake', xyzzy: 1 } }))).toBe(
      'lake.xyzzy: unknown key; accepted: ' +
        'url, endpoint, region, pathStyle, credentials, encryption, kmsKey, requesterPays, hdfs',
    )
  })

  test('a missing key is named with what it takes', () => {
    expect(onlyProblem(config({ pipeline: undefined }))).toBe(
      'pipeline: missing; accepted: letters, digits, "_" and "-"',
    )
    expect(streamProblem({ schema: undefined })).toBe(
      'streams[0].schema: missing; accepted: a section with file, message',
    )
    expect(streamProblem({ topic: undefined })).toBe(
      'streams[0].topic: missing; accepted: either topic or topics',
    )
  })

  test('a key left empty is refused', () => {
    expect(onlyProblem(config({ commit: null }))).toBe(
      'commit: empty; accepted: a section with interval',
    )
    expect(onlyProblem(config({ commit: { interval: null } }))).toMatch(/^commit.interval: empty;/)
    expect(onlyProblem(config({ kafka: { brokers: [] } }))).toMatch(/^kafka.brokers: empty;/)
  })

  test('a value of another kind than the key takes is refused', () => {
    expect(onlyProblem(config({ commit: '60s' }))).toBe(
      'commit: "60s" is not a section; accepted: a section with interval',
    )
    expect(onlyProblem(config({ streams: {} }))).toBe(
      'streams: a section is not a list; accepted: a list',
    )
    expect(onlyProblem(['pipeline'])).toMatch(/^configuration: a list is not a section;/)
  })
})

describe('what is not built is refused by name', () => {
  test.each([
    ['merge', { merge: { targetSize: '256MiB' } }],
    ['audit', { audit: { clickhouse: {} } }],
    ['registry.poll', { registry: { url: 'file:./proto', poll: '10s' } }],
    ['registry.url', { registry: { url: 's3://bucket/schemas' } }],
  ])('%s', (path, more) => {
    const problem = onlyProblem(config(more))
    expect(problem.startsWith(`${path}: not supported by this version`)).toBe(true)
  })

  test('files that grow, on a lake where none does', () => {
    const problem = streamProblem({ file: { mode: 'continue' } })
    expect(problem).toBe(
      'streams[0].file.mode: continue goes with hdfs:// only, and lake.url is "file:./lake"; ' +
        'accepted: new',
    )
  })

  test('a topic of announcements is one topic', () => {
    const problem = onlyProblem(config({ ready: { notify: [{ kafka: { topic: 'a*' } }] } }))
    expect(problem).toMatch(/^ready.notify\[0\].kafka.topic: "a\*" has another form/)
  })

  test.each([
    ['format', { format: 'json' }],
    ['format', { format: 'debezium-json' }],
    ['format', { format: 'canal-json' }],
    ['format', { format: 'text' }],
    ['limits.errorRate', { limits: { errorRate: '5%' } }],
    ...['mask', 'derive', 'select', 'rename', 'cast', 'hash', 'route', 'sql'].map(
      (step) => [`etl[0].${step}`, { etl: [{ [step]: {} }] }] as [string, Tree],
    ),
  ])('streams[0].%s', (path, more) => {
    const problem = streamProblem(more)
    expect(problem.startsWith(`streams[0].${path}: not supported by this version`)).toBe(true)
  })
})

describe('values', () => {
  test('a number without its unit is refused', () => {
    expect(onlyProblem(config({ commit: { interval: 60 } }))).toBe(
      'commit.interval: 60 has no unit; accepted: 500ms, 60s, 5m, 2h, 7d (100ms to 1h)',
    )
    expect(onlyProblem(config({ memory: { buffers: '1024' } }))).toMatch(
      /^memory.buffers: "1024" has no unit; accepted: 64KiB/,
    )
  })

  test('a value out of its bounds is refused with the bound', () => {
    expect(onlyProblem(config({ commit: { interval: '99ms' } }))).toMatch(/is less than 100ms/)
    expect(onlyProblem(config({ commit: { interval: '61m' } }))).toMatch(/is more than 1h/)
    expect(parseConfig(config({ commit: { interval: '100ms' } })).config?.commit.interval).toBe(100)
  })

  test('a unit that is none is refused', () => {
    expect(onlyProblem(config({ commit: { interval: '1 minute' } }))).toMatch(/is not a duration/)
    expect(onlyProblem(config({ memory: { buffers: '1GB' } }))).toMatch(/is not a size/)
  })

  test('a secret written out is refused without repeating it', () => {
    const sasl = { mechanism: 'plain', username: 'growth', password: 'hunter2' }
    const problem = onlyProblem(config({ kafka: { brokers: ['a:1'], sasl } }))
    expect(problem).toMatch(/^kafka.sasl.password: .*accepted: env:NAME, file:path$/)
    expect(problem).not.toContain('hunter2')
  })

  test('a webhook whose address carries a password is refused without repeating it', () => {
    const webhook = { url: 'https://user:hunter2@host/hook', secret: 'env:HOOK' }
    const problem = onlyProblem(config({ ready: { notify: [{ webhook }] } }))
    expect(problem).toMatch(/^ready.notify\[0\].webhook.url: the value carries a user or password/)
    expect(problem).not.toContain('hunter2')
  })

  test.each([
    ['earliest', 'earliest'],
    ['latest', 'latest'],
    ['2026-11-20T13:00:00Z', Date.UTC(2026, 10, 20, 13)],
    ['2026-11-20T13:00+01:00', Date.UTC(2026, 10, 20, 12)],
  ])('a start at %s is read', (start, expected) => {
    const { config: read } = parseConfig(config({ kafka: { brokers: ['a:1'], start } }))
    expect(read?.kafka.start).toBe(expected)
  })

  test.each(['2026-11-20', '2026-11-20T13:00:00', '2026-13-01T00:00:00Z', 'newest', 5])(
    'a start at %s is refused',
    (start) => {
      const problem = onlyProblem(config({ kafka: { brokers: ['a:1'], start } }))
      expect(problem).toMatch(/^kafka.start: .* is not a position; accepted: earliest, latest/)
    },
  )

  test.each(['127.0.0.1', '127.0.0.1:65536', ':9092', 'http://host:9092', 'a b:1'])(
    'a broker at "%s" is refused',
    (broker) => {
      const problem = onlyProblem(config({ kafka: { brokers: [broker] } }))
      expect(problem).toMatch(/^kafka.brokers\[0\]: .* accepted: host:port$/)
    },
  )

  test('a time zone that does not exist is refused', () => {
    expect(streamProblem({ partition: { timezone: 'Europe/Atlantis' } })).toMatch(
      /^streams\[0\].partition.timezone: "Europe\/Atlantis" is not a time zone/,
    )
    expect(streamProblem({ partition: { timezone: '+02:00' } })).toMatch(/has another form/)
  })

  test('a column that is named twice is refused', () => {
    expect(streamProblem({ columns: ['_offset', '_offset'] })).toMatch(
      /^streams\[0\].columns: a column stands twice/,
    )
  })

  test.each([[{}], [{ filter: { where: 'a', reason: 'b' }, module: 'a.ts' }]])(
    'an ETL step of none or two kinds is refused',
    (step) => {
      expect(streamProblem({ etl: [step] })).toBe(
        'streams[0].etl[0]: not exactly one kind of step; accepted: filter, module',
      )
    },
  )

  test('steps behind a module are refused by name', () => {
    const etl = [{ module: 'a.ts' }, { filter: { where: 'a', reason: 'b' } }, { module: 'b.ts' }]
    expect(problemsOf(config({ streams: [stream({ etl })] }))).toEqual([
      'streams[0].etl[1].filter: not supported by this version: a step behind a module; ' +
        'accepted: one module, as the last step',
      'streams[0].etl[2].module: not supported by this version: a step behind a module; ' +
        'accepted: one module, as the last step',
    ])
    expect(problemsOf(config({ streams: [stream({ etl: etl.slice(0, 1) })] }))).toEqual([])
  })

  test('the reason of modules that return nothing is not given to a filter', () => {
    expect(streamProblem({ etl: [{ filter: { where: 'a', reason: 'etl-empty' } }] })).toMatch(
      /^streams\[0\].etl\[0\].filter.reason: "etl-empty" is the reason of modules/,
    )
  })

  test('a file url that names another machine is refused', () => {
    expect(onlyProblem(config({ lake: { url: 'file://host/lake' } }))).toMatch(
      /^lake.url: "file:\/\/host\/lake" is no path on this machine/,
    )
  })
})

describe('contradictions name both keys', () => {
  test('two streams of one name', () => {
    const problems = problemsOf(config({ streams: [stream(), stream({ table: 'other' })] }))
    expect(problems).toEqual([
      'streams[1].name: "app_events" is taken by streams[0].name, "app_events"; ' +
        'accepted: a name that is not used twice',
    ])
  })

  test('two tables of one name, which differ only in case', () => {
    const other = stream({ name: 'other', table: 'APP_EVENTS' })
    expect(problemsOf(config({ streams: [stream(), other] }))).toEqual([
      'streams[1].table: "APP_EVENTS" is taken by streams[0].table, "app_events"; ' +
        'accepted: a name that is not used twice',
    ])
  })

  test('a table with the name of the dead letters', () => {
    expect(streamProblem({ table: 'growth_dead_letters' })).toMatch(
      /^streams\[0\].table: "growth_dead_letters" is taken by pipeline/,
    )
  })

  test('a bare protobuf stream that shares its topic', () => {
    const bare = stream({ name: 'bare', table: 'bare', format: 'protobuf' })
    for (const streams of [
      [stream(), bare],
      [bare, stream()],
    ]) {
      expect(onlyProblem(config({ streams }))).toMatch(
        /^streams\[1\].topic: "growth.events" is also streams\[0\].topic, and in the format pro/,
      )
    }
  })

  test('a topic named twice by one stream', () => {
    expect(streamProblem({ topic: undefined, topics: ['a', 'a'] })).toMatch(
      /^streams\[0\].topic: "a" is named twice/,
    )
  })

  test('idle shorter than the commit interval', () => {
    expect(onlyProblem(config({ ready: { idle: '59s' } }))).toMatch(
      /^ready.idle: 59s is less than commit.interval, 1m:/,
    )
    expect(problemsOf(config({ ready: { idle: '60s' } }))).toEqual([])
  })

  test('an address open to others without a token', () => {
    expect(onlyProblem(config({ http: { listen: '0.0.0.0:8700' } }))).toMatch(
      /^http.listen: "0.0.0.0:8700" is open to others without http.token/,
    )
    const token = 'env:TOKEN'
    expect(problemsOf(config({ http: { listen: '0.0.0.0:8700', token } }))).toEqual([])
    expect(problemsOf(config({ http: { listen: '[::1]:0' } }))).toEqual([])
  })

  test('two targets of one name', () => {
    const notify = [{ 'success-file': {} }, { 'success-file': {} }]
    expect(onlyProblem(config({ ready: { notify } }))).toMatch(
      /^ready.notify\[1\]: "success-file" is taken by ready.notify\[0\]/,
    )
  })

  test('they are found although another section is wrong', () => {
    const problems = problemsOf(config({ lake: {}, streams: [stream(), stream(), { name: 1 }] }))
    expect(problems.some((problem) => problem.startsWith('lake.url: missing'))).toBe(true)
    expect(
      problems.some((problem) => problem.startsWith('streams[1].name: "app_events" is taken')),
    ).toBe(true)
  })
})

test('a printed configuration shows no secret and no reference to one', () => {
  const { config: read } = parseConfig(
    config({
      kafka: {
        brokers: ['a:1'],
        sasl: { mechanism: 'plain', username: 'growth', password: 'env:KAFKA_PASSWORD' },
      },
      ready: {
        notify: [
          {
            webhook: {
              url: 'https://host/hook',
              secret: 'file:hook.key',
              headers: { 'X-Team': 'plain-text', Authorization: 'env:HOOK_AUTH' },
            },
          },
        ],
      },
      http: { token: 'env:TOKEN' },
    }),
  )
  if (read === undefined) throw new Error('the configuration is right')
  const printed = printConfig(read, 'hidden')
  expect(printed).not.toMatch(/KAFKA_PASSWORD|hook\.key|TOKEN|plain-text|HOOK_AUTH/)
  const tree: unknown = parse(printed)
  expect(tree).toMatchObject({
    kafka: { sasl: { username: 'growth', password: '***' } },
    ready: { notify: [{ webhook: { secret: '***' } }] },
    http: { token: '***' },
  })
})

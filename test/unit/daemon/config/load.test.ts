import { create, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import { Fault, isFault } from '../../../../src/base/fault.ts'
import { loadConfig } from '../../../../src/daemon/config/load.ts'
import type { ResolvedConfig } from '../../../../src/daemon/config/resolved-config.ts'
import { folder, MemoryConfigFiles } from '../memory-config-files.ts'

const main = `pipeline: growth
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { url: "file:./lake" }
`
const listed = `${main}streams:
  - name: app_events
    topic: growth.events
    schema: { file: app_event.proto, message: growth.AppEvent }
`
const streamFile = `name: app_events
topic: growth.events
schema: { file: app_event.proto, message: growth.AppEvent }
`
const proto = `syntax = "proto3";
package growth;
message AppEvent { string user_id = 1; string country = 2; }
`

/** The message with its first field, as protoc compiles it. */
const compiledSet = toBinary(
  FileDescriptorSetSchema,
  create(FileDescriptorSetSchema, {
    file: [
      {
        package: 'growth',
        syntax: 'proto3',
        messageType: [{ name: 'AppEvent', field: [{ name: 'user_id', number: 1, type: 9 }] }],
      },
    ],
  }),
)

const withTexts = (texts: Readonly<Record<string, string>>): MemoryConfigFiles =>
  new MemoryConfigFiles({ 'lakeward.yaml': listed, 'app_event.proto': proto, ...texts })

const load = (files: MemoryConfigFiles): Promise<ResolvedConfig> =>
  loadConfig('lakeward.yaml', files)

/** The problems of a configuration that must be refused. */
async function problemsOf(files: MemoryConfigFiles): Promise<readonly string[]> {
  const error: unknown = await load(files).catch((thrown: unknown) => thrown)
  if (!isFault(error, 'CONFIG_REFUSED')) throw error
  expect(error.facts.file).toBe('lakeward.yaml')
  return error.facts.problems
}

const withStream = (lines: string): string => `${listed}${lines.replaceAll(/^/gm, '    ')}\n`

test('a configuration is loaded with its schemas, columns and absolute paths', async () => {
  const config = await load(withTexts({}))
  expect(config).toMatchObject({ pipeline: 'growth', folder, lakeFolder: `${folder}/lake` })
  const [stream] = config.streams
  expect(stream).toMatchObject({
    name: 'app_events',
    index: 0,
    topics: ['growth.events'],
    table: 'app_events',
    schemaVersion: 1,
    scheme: { by: 'hour', timezone: 'UTC' },
  })
  expect(stream?.message.fullName).toBe('growth.AppEvent')
  expect(stream?.plan.schema.columns.map(({ name }) => name)).toEqual(['user_id', 'country'])
})

test('a stream in a file of its own equals an entry of the list', async () => {
  const inFile = new MemoryConfigFiles({
    'lakeward.yaml': main,
    'streams/app_events.yaml': streamFile,
    'streams/notes.txt': 'not a stream',
    'app_event.proto': proto,
  })
  expect(await load(inFile)).toEqual(await load(withTexts({})))
})

test('streams of files come after those of the list, by the names of the files', async () => {
  const other = streamFile.replace('app_events', 'other')
  const third = streamFile.replace('app_events', 'third')
  const files = withTexts({ 'streams/b.yml': other, 'streams/a.yaml': third })
  const config = await load(files)
  expect(config.streams.map(({ name, index }) => [name, index])).toEqual([
    ['app_events', 0],
    ['third', 1],
    ['other', 2],
  ])
})

describe('the registry', () => {
  const withRegistry = `${listed}registry: { url: "file:./proto" }\n`

  test('its schemas win over those beside the configuration', async () => {
    const newer = proto.replace('country', 'nation')
    const files = withTexts({ 'lakeward.yaml': withRegistry, 'proto/app_event.proto': newer })
    const [stream] = (await load(files)).streams
    expect(stream?.message.fields.map(({ name }) => name)).toEqual(['user_id', 'nation'])
  })

  test('its folder of streams is read too', async () => {
    const files = withTexts({
      'lakeward.yaml': withRegistry,
      'proto/streams/more.yaml': streamFile.replace('app_events', 'more'),
    })
    const { streams } = await load(files)
    expect(streams.map(({ name }) => name)).toEqual(['app_events', 'more'])
  })

  test('a registry that is the folder of the configuration gives no stream twice', async () => {
    const files = withTexts({
      'lakeward.yaml': listed.replace('streams:', 'registry: { url: "file:." }\nstreams:'),
      'streams/more.yaml': streamFile.replace('app_events', 'more'),
    })
    expect((await load(files)).streams).toHaveLength(2)
  })
})

describe('schemas', () => {
  test('imports are read from beside the importing file and from the root', async () => {
    const importing = (target: string, rest: string): string =>
      `syntax = "proto3"; package growth; import "${target}"; ${rest}`
    const files = new MemoryConfigFiles({
      'lakeward.yaml': listed.replace('app_event.proto', 'events/app_event.proto'),
      'events/app_event.proto': importing(
        'device.proto',
        'message AppEvent { Device device = 1; }',
      ),
      'events/device.proto': importing('common/os.proto', 'message Device { Os os = 1; }'),
      'common/os.proto': 'syntax = "proto3"; package growth; message Os { string name = 1; }',
    })
    const [stream] = (await load(files)).streams
    expect(stream?.plan.schema.leaves.map(({ path }) => path.join('.'))).toEqual(['device.os.name'])
  })

  test('a schema above the folder of the configuration is read from its own folder', async () => {
    const files = new MemoryConfigFiles({
      'lakeward.yaml': listed.replace('app_event.proto', '../schemas/app_event.proto'),
      '../schemas/app_event.proto': `${proto.replace('package', 'import "os.proto"; package')}`,
      '../schemas/os.proto': 'syntax = "proto3"; message Os { string name = 1; }',
    })
    expect((await load(files)).streams).toHaveLength(1)
  })

  test('a schema file that is not there is refused with the path of its key', async () => {
    const files = new MemoryConfigFiles({ 'lakeward.yaml': listed })
    expect(await problemsOf(files)).toEqual([
      'streams[0].schema: could not read schema "app_event.proto": there is no such file (line 7)',
    ])
  })

  test('a schema file that cannot be read is one problem among others', async () => {
    const files = withTexts({ 'lakeward.yaml': listed.replace('kafka:', 'kafak:') })
    files.unreadable.add(`${folder}/app_event.proto`)
    expect(await problemsOf(files)).toEqual([
      expect.stringMatching(/^kafka: missing;/),
      'kafak: unknown key; nearest: kafka (line 2)',
      `streams[0]: could not read "${folder}/app_event.proto": permission denied (line 5)`,
    ])
  })

  test('a schema that is no protobuf is refused with its line', async () => {
    const files = withTexts({ 'app_event.proto': `${proto}message {` })
    expect(await problemsOf(files)).toEqual([
      expect.stringMatching(
        /^streams\[0\].schema: could not read schema "app_event.proto": .* at line 4 \(line 7\)$/,
      ),
    ])
  })

  test('a message that is not in the schema is refused with those that are', async () => {
    const files = withTexts({ 'lakeward.yaml': listed.replace('AppEvent', 'AppEvnt') })
    expect(await problemsOf(files)).toEqual([
      'streams[0].schema: message "growth.AppEvnt" is not in schema "app_event.proto", which has growth.AppEvent (line 7)',
    ])
  })

  test('are read from a compiled set, too', async () => {
    const text = listed.replace('app_event.proto', 'sets/app_event.desc')
    const files = new MemoryConfigFiles({ 'lakeward.yaml': text })
    files.bytes.set(files.absolute('sets/app_event.desc'), compiledSet)
    const { streams } = await load(files)
    expect(streams[0]?.plan.schema.columns.map(({ name }) => name)).toEqual(['user_id'])
    files.bytes.clear()
    expect(await problemsOf(files)).toEqual([expect.stringContaining('there is no such file')])
  })

  test('become columns as the mapping says, which is part of the checksum', async () => {
    const text = proto
      .replace('string country', 'Kind kind = 3; string country')
      .concat('enum Kind { NONE = 0; }')
    const loaded = async (mapping: string): Promise<ResolvedConfig> =>
      load(withTexts({ 'lakeward.yaml': withStream(mapping), 'app_event.proto': text }))
    const numbers = await loaded('mapping: { enums: int }')
    const names = await loaded('mapping: { timestamps: int64-micros }')
    const kindOf = ({ streams }: ResolvedConfig) =>
      streams[0]?.plan.schema.columns.find(({ name }) => name === 'kind')
    expect(kindOf(numbers)).toMatchObject({ physical: 'int32' })
    expect(kindOf(names)).toMatchObject({ physical: 'byte-array', logical: 'string' })
    expect(numbers.checksum).not.toBe(names.checksum)
    expect((await loaded('mapping: {}')).checksum).toBe(names.checksum)
  })

  test('a field that this version has no columns for is refused by name', async () => {
    const set = proto.replace(
      'string country = 2;',
      'option message_set_wire_format = true; string country = 2;',
    )
    const problems = await problemsOf(withTexts({ 'app_event.proto': set }))
    expect(problems).toEqual([expect.stringMatching(/not supported by this version \(line 7\)$/)])
  })

  test.each([
    ['hour', 'dt', true],
    ['hour', 'Hour', true],
    ['day', 'DT', true],
    ['day', 'hour', false],
  ])('partitioned by %s, a column "%s" is refused: %s', async (by, column, refused) => {
    const files = withTexts({
      'lakeward.yaml': withStream(`partition: { by: ${by} }`),
      'app_event.proto': proto.replace('country', column),
    })
    if (!refused) return expect((await load(files)).streams).toHaveLength(1)
    expect(await problemsOf(files)).toEqual([
      expect.stringMatching(
        new RegExp(`^streams\\[0\\].schema.message: column "${column}" of message .* partitions`),
      ),
    ])
  })

  test('a column that gets its name by the rule of names is refused all the same', async () => {
    const files = withTexts({
      'lakeward.yaml': withStream('names: lower'),
      'app_event.proto': proto.replace('country', 'DT'),
    })
    expect(await problemsOf(files)).toEqual([expect.stringMatching(/column "dt" of message/)])
  })
})

describe('ETL', () => {
  test('a filter that does not fit the message is refused with the path of its key', async () => {
    const files = withTexts({
      'lakeward.yaml': withStream('etl:\n  - filter: { where: "nation <> \'\'", reason: none }'),
    })
    expect(await problemsOf(files)).toEqual([
      expect.stringMatching(
        /^streams\[0\].etl\[0\].filter.where: filter "nation <> ''" .* \(line 9\)$/,
      ),
    ])
  })

  test('a module that is not there is refused with the path that was tried', async () => {
    const files = withTexts({ 'lakeward.yaml': withStream('etl:\n  - module: etl/none.ts') })
    expect(await problemsOf(files)).toEqual([
      `streams[0].etl[0].module: there is no file "${folder}/etl/none.ts"; accepted: path of a file (line 9)`,
    ])
  })
})

describe('files', () => {
  test('a main file that is not there is a fault of its own', async () => {
    const load = loadConfig('none.yaml', new MemoryConfigFiles({}))
    await expect(load).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: 'could not read "none.yaml": there is no such file',
    })
  })

  test('YAML that is none is refused with its line', async () => {
    const files = withTexts({ 'lakeward.yaml': `${main}pipeline: twice\n` })
    expect(await problemsOf(files)).toEqual([
      'lakeward.yaml: not YAML: Map keys must be unique (line 4)',
    ])
  })

  test.each([
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['a tag that YAML does not know', 'a: !secret 1\n'],
    ['aliases that blow up', `a: &a [${'1,'.repeat(9)}1]\n${blownUp()}`],
  ])('%s are refused', async (_, text) => {
    const problems = await problemsOf(withTexts({ 'lakeward.yaml': text }))
    expect(problems[0]).toMatch(/^lakeward.yaml: not YAML: /)
  })

  test('an empty file is a configuration in which everything is missing', async () => {
    const problems = await problemsOf(withTexts({ 'lakeward.yaml': '' }))
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['pipeline', 'kafka', 'lake'])
  })

  test('problems of a stream file name that file and its line', async () => {
    const files = withTexts({
      'streams/more.yaml': `${streamFile.replace('app_events', 'more')}formt: raw-event\n`,
      'streams/torn.yaml': 'name: [a\n',
    })
    expect(await problemsOf(files)).toEqual([
      expect.stringMatching(/^streams\/torn.yaml: not YAML: /),
      'streams[1].formt: unknown key; nearest: format (streams/more.yaml line 4)',
    ])
  })
})

/** Nine levels of ten aliases each. */
function blownUp(): string {
  const names = 'abcdefghij'.split('')
  return names
    .slice(1)
    .map((name, level) => {
      const below = `*${names[level]},`
      return `${name}: &${name} [${below.repeat(9)}*${names[level]}]\n`
    })
    .join('')
}

describe('the checksum', () => {
  const checksumWith = async (texts: Readonly<Record<string, string>>): Promise<string> =>
    (await load(withTexts(texts))).checksum

  test.each([
    ['brokers', listed.replace('9092', '9093')],
    ['the commit interval', `${listed}commit: { interval: 1s }\n`],
    ['the order of keys', `${listed.replace('pipeline: growth\n', '')}pipeline: growth\n`],
    ['the place of the lake', listed.replace('./lake', './elsewhere')],
  ])('does not change with %s', async (_, text) => {
    expect(await checksumWith({ 'lakeward.yaml': text })).toBe(await checksumWith({}))
  })

  test('does not change with comments of a schema', async () => {
    const commented = proto.replace('message', '// What a user did.\nmessage')
    expect(await checksumWith({ 'app_event.proto': commented })).toBe(await checksumWith({}))
  })

  test.each([
    ['the pipeline', listed.replace('pipeline: growth', 'pipeline: sales')],
    ['a table', withStream('table: ods')],
    ['a topic', listed.replace('growth.events', 'growth.other')],
    ['the zone of partitions', withStream('partition: { timezone: Europe/Berlin }')],
    ['an identity column', withStream('columns: [_offset]')],
    ['a guard of event times', withStream('eventTime: { pastMax: 31d }')],
    ['a filter', withStream('etl: [{ filter: { where: "country = \'\'", reason: a } }]')],
    ['the delay of announcements', `${listed}ready: { delay: 6m }\n`],
    ['a target of announcements', `${listed}ready: { notify: [{ success-file: {} }] }\n`],
  ])('changes with %s', async (_, text) => {
    expect(await checksumWith({ 'lakeward.yaml': text })).not.toBe(await checksumWith({}))
  })

  test('changes with a field of the schema', async () => {
    const renumbered = proto.replace('country = 2', 'country = 3')
    expect(await checksumWith({ 'app_event.proto': renumbered })).not.toBe(await checksumWith({}))
  })

  test('changes with the text of a module, not with its place', async () => {
    const at = (file: string, text: string): Promise<string> =>
      checksumWith({ 'lakeward.yaml': withStream(`etl: [{ module: ${file} }]`), [file]: text })
    const first = await at('etl/a.ts', 'export const map = (row) => row')
    expect(await at('etl/b.ts', 'export const map = (row) => row')).toBe(first)
    expect(await at('etl/a.ts', 'export const map = () => []')).not.toBe(first)
  })
})

test('a refusal is one fault of the user, with the file and every problem in its message', async () => {
  const files = withTexts({ 'lakeward.yaml': listed.replace('kafka', 'kafak') })
  const error: unknown = await load(files).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Fault)
  expect(error).toMatchObject({ code: 'CONFIG_REFUSED', domain: 'user', retry: 'never' })
  expect(String(error)).toMatch(/configuration "lakeward.yaml" is refused: kafka: missing; .*kafak/)
})

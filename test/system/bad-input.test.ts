/** What a person can get wrong, as `lakeward` itself answers it: path, both values, remedy. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const main = `pipeline: growth
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { url: "file:./lake" }
streams:
  - name: app_events
    topic: growth.events
    schema: { file: app_event.proto, message: growth.AppEvent }
`
const proto = `syntax = "proto3";
package growth;
message AppEvent { string user_id = 1; }
`

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lakeward-bad-input-'))
  write('lakeward.yaml', main)
  write('app_event.proto', proto)
})

afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string | Uint8Array): void =>
  writeFileSync(join(folder, name), text)

/** What `lakeward check` says of the configuration in the folder. */
function check(): { status: number | null; problems: readonly string[]; hint: string } {
  const entry = join(process.cwd(), 'bin', 'lakeward.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, 'check'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status === 0) return { status, problems: [], hint: '' }
  expect(stdout).toBe('')
  const lines = stderr.trimEnd().split('\n')
  expect(lines[0]).toBe('error: configuration "lakeward.yaml" is refused')
  return {
    status,
    problems: lines.slice(1, -1).map((line) => line.trim()),
    hint: lines.at(-1) ?? '',
  }
}

/** The one problem of a configuration that is refused for it. */
function onlyProblem(): string {
  const { status, problems, hint } = check()
  expect(status).toBe(2)
  expect(problems).toHaveLength(1)
  expect(hint).toMatch(/^hint: .*docs\/config.md/)
  return problems[0] ?? ''
}

test('the configuration that the others spoil is right', () => {
  expect(check().status).toBe(0)
})

test('an unknown key: its path, the nearest key, its line', () => {
  write('lakeward.yaml', main.replace('topic:', 'topik:'))
  expect(check().problems).toEqual([
    'streams[0].topik: unknown key; nearest: topic, topics (line 6)',
    'streams[0].topic: missing; accepted: either topic or topics (line 5)',
  ])
})

test('a key whose feature is not built: refused by name', () => {
  write('lakeward.yaml', `${main}merge: { targetSize: 256MiB }\n`)
  expect(onlyProblem()).toBe('merge: not supported by this version (line 8)')
})

test('a storage that is not built: told by its address, with what is accepted', () => {
  write('lakeward.yaml', main.replace('file:./lake', 'gs://bucket/warehouse'))
  expect(onlyProblem()).toBe(
    'lake.url: "gs://bucket/warehouse" has another form; accepted: file:./lake, a folder; s3://bucket/prefix; hdfs://nn1:9870,nn2:9870/warehouse (line 3)',
  )
})

test('a missing unit: the value, and how it is written', () => {
  write('lakeward.yaml', `${main}commit: { interval: 60 }\n`)
  expect(onlyProblem()).toBe(
    'commit.interval: 60 has no unit; accepted: 500ms, 60s, 5m, 2h, 7d (100ms to 1h) (line 8)',
  )
})

test('a contradiction: both keys with their values', () => {
  write('lakeward.yaml', `${main}ready: { idle: 10s }\ncommit: { interval: 30s }\n`)
  expect(onlyProblem()).toMatch(
    /^ready.idle: 10s is less than commit.interval, 30s: .* \(line 8\)$/,
  )
})

test('a proto that is not there', () => {
  rmSync(join(folder, 'app_event.proto'))
  expect(onlyProblem()).toMatch(/^streams\[0\].schema: could not read schema "app_event.proto"/)
})

test('a proto that is a folder', () => {
  rmSync(join(folder, 'app_event.proto'))
  mkdirSync(join(folder, 'app_event.proto'))
  expect(onlyProblem()).toMatch(/^streams\[0\]: could not read ".*app_event.proto": EISDIR/)
})

test('a proto that is no text', () => {
  write('app_event.proto', Buffer.from([0xff, 0xfe, 0x00]))
  expect(onlyProblem()).toMatch(/^streams\[0\]: could not read ".*app_event.proto": /)
})

test('a proto that is no protobuf: the line', () => {
  write('app_event.proto', proto.replace('string user_id = 1;', 'string user_id'))
  expect(onlyProblem()).toMatch(
    /^streams\[0\].schema: could not read schema "app_event.proto": .* at line 3 \(line 7\)$/,
  )
})

test('a proto that imports what is not there: the import', () => {
  write('app_event.proto', proto.replace('package', 'import "device.proto";\npackage'))
  expect(onlyProblem()).toMatch(/^streams\[0\].schema: .* it imports "device.proto"/)
})

test('a message that is not in the proto: those that are', () => {
  write('lakeward.yaml', main.replace('AppEvent', 'AppEvents'))
  expect(onlyProblem()).toBe(
    'streams[0].schema: message "growth.AppEvents" is not in schema "app_event.proto", which has growth.AppEvent (line 7)',
  )
})

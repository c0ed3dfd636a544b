import { describe, expect, test } from 'vitest'
import { parseConfig, printConfig } from '../../../../src/daemon/config.ts'
import {
  configTree as config,
  onlyProblem,
  problemsOf,
  streamTree as stream,
  streamProblem,
  type Tree,
} from '../../../support/config-trees.ts'

describe('topics', () => {
  test('are named, or selected by a pattern of their whole name', () => {
    const { config: read, problems } = parseConfig({
      ...config(),
      streams: [stream({ topic: undefined, topics: ['growth.events', 'growth\\.[a-z]+'] })],
    })
    expect(problems).toEqual([])
    expect(read?.streams[0]?.topics).toEqual(['growth.events', 'growth\\.[a-z]+'])
  })

  test.each([
    ['growth(', /^streams\[0\].topic: "growth\(" is no pattern: SyntaxError.*; accepted: /],
    ['/growth.*/', /^streams\[0\].topic: .* has a "\/", which no topic has; accepted: /],
    ['growth events', /^streams\[0\].topic: "growth events" has another form; accepted: /],
    [`a${'.*'.repeat(300)}`, /^streams\[0\].topic: .* is longer than 500 characters; accepted: /],
  ])('a pattern that can select nothing is refused: %s', (topic, problem) => {
    expect(streamProblem({ topic })).toMatch(problem)
  })

  test('may overlap between streams of envelopes, and not where messages are bare', () => {
    const one = stream({ topic: 'growth\\..*' })
    const other = (topic: string, more: Tree = {}) =>
      stream({ name: 'other', table: 'other', topic, ...more })
    const problemsOfTwo = (second: Tree) =>
      parseConfig({ ...config(), streams: [one, second] }).problems
    const bare = { format: 'protobuf' }
    expect(problemsOfTwo(other('growth\\.a.*'))).toEqual([])
    expect(problemsOfTwo(other('shop\\..*', bare))).toEqual([])
    expect(problemsOfTwo(other('growth-events', bare))).toEqual([])
    for (const topic of ['growth\\.a.*', 'growth.events', 'x|growth.*', '.*']) {
      expect(problemsOfTwo(other(topic, bare)), topic).toHaveLength(1)
    }
  })
})

describe('kafka.start', () => {
  const started = (start: string, more: Tree = {}) =>
    parseConfig(config({ kafka: { brokers: ['a:1'], start, ...more } }))

  test('is where another consumer group ended', () => {
    const { config: read, problems } = started('group:old-one')
    expect(problems).toEqual([])
    expect(read?.kafka.start).toEqual({ group: 'old-one' })
    expect(printConfig(read ?? ({} as never), 'hidden')).toMatch(/start: group:old-one/)
  })

  test('is refused for our own group, given or by the name of the pipeline', () => {
    const own = [started('group:growth'), started('group:g', { group: 'g' })]
    for (const { problems } of own) {
      expect(problems.map(({ text }) => text)).toEqual([expect.stringMatching(/is our own group/)])
    }
    expect(started('group:growth', { group: 'g' }).problems).toEqual([])
  })

  test('without a name is no position', () => {
    expect(onlyProblem(config({ kafka: { brokers: ['a:1'], start: 'group:' } }))).toMatch(
      /^kafka.start: "group:" is not a position/,
    )
  })
})

describe('confluent-protobuf', () => {
  const framed = (more: Tree = {}) => stream({ format: 'confluent-protobuf', ...more })
  const schemaRegistry = { url: 'http://registry:8081' }
  const problemsWith = (more: Tree) => problemsOf(config(more))

  test('goes with a registry, and a registry with it', () => {
    expect(problemsWith({ schemaRegistry, streams: [framed()] })).toEqual([])
    expect(onlyProblem(config({ streams: [framed()] }))).toMatch(
      /^streams\[0\].format: "confluent-protobuf" goes with schemaRegistry/,
    )
    expect(onlyProblem(config({ schemaRegistry }))).toMatch(/^schemaRegistry: no stream has/)
  })

  test('shares a topic between streams of different messages, and with no other format', () => {
    const schema = { file: 'app_event.proto', message: 'growth.Other' }
    const other = { name: 'other', table: 'other' }
    const two = (second: Tree) => problemsWith({ schemaRegistry, streams: [framed(), second] })
    expect(two(framed({ ...other, schema }))).toEqual([])
    expect(two(framed(other))).toHaveLength(1)
    expect(two(stream(other))).toEqual([
      expect.stringMatching(/in the format confluent-protobuf nothing tells the streams apart/),
    ])
  })

  test('the registry takes a login over HTTP only, and both of its halves', () => {
    const login = { username: 'lake', password: 'env:SECRET' }
    const withKeys = (more: Tree) =>
      problemsWith({ schemaRegistry: { ...schemaRegistry, ...more }, streams: [framed()] })
    expect(withKeys(login)).toEqual([])
    expect(withKeys({ username: 'lake' })).toEqual([
      expect.stringMatching(/^schemaRegistry.password: missing beside the other/),
    ])
    expect(withKeys({ ...login, url: 'file:./ids' })).toHaveLength(1)
    expect(withKeys({ url: 'ftp://registry' })).toHaveLength(1)
    expect(withKeys({ url: 'http://user:word@registry' })).toHaveLength(1)
  })
})

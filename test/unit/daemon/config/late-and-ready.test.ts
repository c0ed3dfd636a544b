import { expect, test } from 'vitest'
import { problemLine } from '../../../../src/daemon/config/problems.ts'
import { parseConfig } from '../../../../src/daemon/config.ts'

const stream = (more: object): object => {
  const schema = { file: 'event.proto', message: 'growth.Event' }
  return { name: 'app_events', topic: 'growth.events', schema, ...more }
}
const problemsOf = (...streams: readonly object[]): readonly string[] => {
  const tree = {
    pipeline: 'growth',
    kafka: { brokers: ['127.0.0.1:9092'] },
    lake: { url: 'file:./lake' },
    streams,
  }
  return parseConfig(tree).problems.map(problemLine)
}

test('a table of the name that late rows of another are diverted to', () => {
  const other = stream({ name: 'other', table: 'app_events_late' })
  const diverting = stream({ table: 'app_events', late: { policy: 'divert' } })
  expect(problemsOf(diverting, other)).toEqual([
    expect.stringMatching(/^streams\[1\]\.table: "app_events_late" is taken by streams\[0\]\.late/),
  ])
  expect(problemsOf(stream({ table: 'app_events' }), other)).toEqual([])
})

test('streams that wait for nobody, or for each other', () => {
  const after = (name: string, ...others: readonly string[]) =>
    stream({ name, table: name, ready: { after: others } })
  expect(problemsOf(after('a', 'b'), after('b'), after('c', 'a', 'b'))).toEqual([])
  expect(problemsOf(after('a', 'x'))).toEqual([
    'streams[0].ready.after[0]: no stream is called "x"; accepted: names of other streams',
  ])
  expect(problemsOf(after('a', 'a'))).toHaveLength(1)
  expect(problemsOf(after('a', 'b'), after('b', 'c'), after('c', 'a'), after('d', 'a'))).toEqual([
    'streams[0].ready.after[0]: "b" waits for "a" itself; accepted: streams that do not',
    'streams[1].ready.after[0]: "c" waits for "b" itself; accepted: streams that do not',
    'streams[2].ready.after[0]: "a" waits for "c" itself; accepted: streams that do not',
  ])
})

import { expect, test } from 'vitest'
import { exitCode, type Invocation } from '../../../src/cli/command.ts'
import { outputOn } from '../../../src/cli/output.ts'
import { busyShards, inEachShard, shardAsked } from '../../../src/cli/shards.ts'
import { shardedConfig, shardedFiles } from '../../support/shard-world.ts'
import { faultOf } from '../../support/thrown.ts'

const inClicks = '{ clicks: [clicks] }'

/** A call of a command, and what it writes. */
function called(shards: string, more: Partial<Invocation> = {}, isJson = true) {
  const written: string[] = []
  const terminal = {
    writeOut: (text: string) => void written.push(text),
    writeError: (): void => undefined,
    isColoured: false,
    isInteractive: false,
  }
  const invocation: Invocation = {
    command: 'log ls',
    arguments: [],
    output: outputOn(terminal, isJson),
    files: shardedFiles(shards),
    stopSignal: () => new AbortController().signal,
    ...more,
    options: { config: 'lakeward.yaml', ...more.options },
  }
  return { invocation, written }
}

const reasonOf = (work: () => unknown): unknown => faultOf(work).facts

test.each<[string, Partial<Invocation>, string | undefined, string]>([
  ['its name', { options: { shard: 'clicks' } }, undefined, 'sim.clicks'],
  ['the name of the first', { options: { shard: 'first' } }, undefined, 'sim'],
  ['its stream', { stream: 'clicks' }, undefined, 'sim.clicks'],
  ['its topic', {}, 'numbers', 'sim'],
])('a shard is found by %s', async (_, more, topic, pipeline) => {
  const { invocation } = called(inClicks, more)
  const whole = await shardedConfig(inClicks)
  expect(shardAsked(invocation, whole, topic).pipeline).toBe(pipeline)
})

interface Wrong {
  readonly shards?: string
  readonly more?: Partial<Invocation>
  readonly topic?: string
  readonly reason: string
}

test.each<[string, Wrong]>([
  ['no word', { reason: '--shard is missing; the log has the shards first, clicks' }],
  [
    'a wrong name',
    {
      more: { options: { shard: 'taps' } },
      reason: '--shard "taps" is none; accepted: first, clicks',
    },
  ],
  [
    'a wrong stream',
    {
      more: { stream: 'taps' },
      reason: 'stream "taps" is not configured; known: numbers, clicks',
    },
  ],
  [
    'a wrong topic',
    { topic: 'taps', reason: '"taps" is no topic of a stream; known: numbers, clicks' },
  ],
  [
    'a name where there are none',
    {
      shards: '{}',
      more: { options: { shard: 'first' } },
      reason: '--shard goes with log.shards, which is not given',
    },
  ],
])('%s is refused', async (_, { shards = inClicks, more, topic, reason }) => {
  const { invocation } = called(shards, more)
  const whole = await shardedConfig(shards)
  expect(reasonOf(() => shardAsked(invocation, whole, topic))).toMatchObject({ reason })
})

test('a command goes over all shards, and its exit code is the gravest', async () => {
  const run = async (at: Invocation) => {
    const shard = at.options['shard']
    at.output.answer({ about: shard }, [`about ${String(shard)}`])
    return shard === 'first' ? exitCode.failed : exitCode.done
  }
  const machine = called(inClicks)
  expect(await inEachShard(machine.invocation, run)).toBe(exitCode.failed)
  expect(machine.written.map((text): unknown => JSON.parse(text))).toEqual([
    {
      shards: [
        { shard: 'first', answer: { about: 'first' } },
        { shard: 'clicks', answer: { about: 'clicks' } },
      ],
    },
  ])
  const person = called(inClicks, {}, false)
  await inEachShard(person.invocation, run)
  expect(person.written).toEqual(['shard first\nabout first\n\nshard clicks\nabout clicks\n'])
})

test.each<[string, string, Partial<Invocation>]>([
  ['one that is named', inClicks, { options: { shard: 'clicks' } }],
  ['the one of a stream', inClicks, { stream: 'clicks' }],
  ['a log without shards', '{}', {}],
])('the answer about %s is as it is', async (_, shards, more) => {
  const { invocation, written } = called(shards, more)
  const run = async (at: Invocation) => {
    at.output.answer({ plain: true }, [])
    return exitCode.done
  }
  await inEachShard(invocation, run)
  expect(written).toEqual(['{"plain":true}\n'])
})

test('a shard without topics has no workers', async () => {
  const named = async (shards: string): Promise<readonly string[]> =>
    busyShards(await shardedConfig(shards)).map(({ pipeline }) => pipeline)
  expect(await named('{ clicks: [clicks], later: [] }')).toEqual(['sim', 'sim.clicks'])
  expect(await named('{ clicks: [clicks, numbers] }')).toEqual(['sim.clicks'])
})

import { expect, test } from 'vitest'
import { readSecrets } from '../../../../src/daemon/config/secrets.ts'
import { parseConfig } from '../../../../src/daemon/config.ts'
import { sourceOptions } from '../../../../src/daemon/start.ts'
import { numbersConfig } from '../../../support/lane-world.ts'
import { MemoryConfigFiles } from '../memory-config-files.ts'

const problemsOf = (kafka: object): readonly string[] =>
  parseConfig({
    pipeline: 'growth',
    kafka: { brokers: ['a:1'], ...kafka },
    lake: { url: 'file:./l' },
  }).problems.map(({ path, text }) => `${path.join('.')}: ${text}`)

/** The id that a process with this key joins under. */
async function idOf(instance: string | undefined, place?: number, environment = {}) {
  const key = instance === undefined ? '' : `, instance: "${instance}"`
  const config = await numbersConfig(undefined, { kafka: `{ brokers: ["a:1"]${key} }` })
  const secrets = await readSecrets(config, new MemoryConfigFiles({}, environment))
  const worker = { workerIndex: 0, workerCount: 1 }
  return sourceOptions({ config, worker, place }, secrets).instanceId
}

test('a process joins under the name that is configured, or that its environment says', async () => {
  expect(await idOf('host-a')).toBe('host-a')
  expect(await idOf('env:POD', undefined, { POD: 'growth-0' })).toBe('growth-0')
})

test('supervised workers of one name are told apart by their number', async () => {
  expect(await idOf('host-a', 0)).toBe('host-a-0')
  expect(await idOf('env:POD', 3, { POD: 'growth-0' })).toBe('growth-0-3')
})

test('without a name it is a member like any other', async () => {
  expect(await idOf(undefined)).toBeUndefined()
  expect(await idOf(undefined, 1)).toBeUndefined()
})

test('an environment without the name, or with one that no group takes, is refused', async () => {
  await expect(idOf('env:POD')).rejects.toMatchObject({
    code: 'CONFIG_SECRET_MISSING',
    facts: { key: 'kafka.instance', reference: 'env:POD' },
  })
  await expect(idOf('env:POD', 0, { POD: 'two words' })).rejects.toMatchObject({
    code: 'CONFIG_SECRET_MISSING',
    message: expect.stringContaining('"two words" is no name'),
  })
})

test('a name that no group takes, or without a group, is refused', () => {
  expect(problemsOf({ instance: 'two words' })).toEqual([
    expect.stringMatching(/^kafka.instance: "two words" .*accepted: a name of A-Z a-z 0-9/),
  ])
  expect(problemsOf({ instance: 'a', assignment: 'static' })).toEqual([
    'kafka.instance: given with assignment: static, which has no group; accepted: with group',
  ])
  expect(problemsOf({ instance: 'a', assignment: 'group' })).toEqual([])
})

test('the brokers assign only where that is asked for, and never without a group', () => {
  expect(problemsOf({ groupProtocol: 'consumer' })).toEqual([])
  expect(problemsOf({ groupProtocol: 'consumer', assignment: 'static' })).toEqual([
    'kafka.groupProtocol: given with assignment: static, which has no group; accepted: with group',
  ])
  expect(problemsOf({ groupProtocol: 'classic', assignment: 'static' })).toEqual([])
  expect(problemsOf({ groupProtocol: 'auto' })).toEqual([
    expect.stringMatching(/^kafka.groupProtocol: .*classic.*consumer/),
  ])
})

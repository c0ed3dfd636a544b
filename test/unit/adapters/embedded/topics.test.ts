import { expect, test } from 'vitest'
import { faultOf } from '../../../support/thrown.ts'
import { brokerWorld, ordersWorld } from './world.ts'

test('a topic that is there keeps its id and its partitions', async () => {
  await using world = await ordersWorld(2)
  const id = world.broker.createTopic('orders', 5)
  expect(world.broker.createTopic('orders', 2)).toBe(id)
  expect(world.broker.highWatermark('orders', 1)).toBe(0n)
  expect(world.broker.highWatermark('orders', 2)).toBeUndefined()
})

test.each([
  ['a/b', 1, /character|name/],
  ['', 1, /name|empty/],
  ['..', 1, /name/],
  ['orders', 0, /partition/],
])('a topic "%s" of %i partitions is refused with the reason', async (name, count, reason) => {
  await using world = await brokerWorld()
  const fault = faultOf(() => world.broker.createTopic(name, count))
  expect(fault).toMatchObject({ code: 'BROKER_TOPIC_REFUSED', facts: { topic: name } })
  expect(fault.message).toMatch(reason)
})

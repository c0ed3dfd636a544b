import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isSelectedByPattern,
  isTopicPattern,
  mayShareTopic,
  selectsTopic,
  sharesPattern,
} from '../../../src/model/topic-selection.ts'

test('a name selects itself alone: its full stop is no pattern', () => {
  const selectors = ['growth.events']
  expect(selectsTopic(selectors, 'growth.events')).toBe(true)
  expect(selectsTopic(selectors, 'growth-events')).toBe(false)
})

test('a pattern selects by the whole name', () => {
  const selectors = ['growth\\..*|shop']
  const topics = ['growth.a', 'growth.', 'shop', 'growth', 'my.growth.a', 'shops']
  expect(topics.filter((topic) => selectsTopic(selectors, topic))).toEqual(topics.slice(0, 3))
})

test('topics of Kafka itself are selected by name alone', () => {
  expect(selectsTopic(['.*'], '__consumer_offsets')).toBe(false)
  expect(selectsTopic(['__consumer_offsets'], '__consumer_offsets')).toBe(true)
})

test('what is named as well is not selected by a pattern only', () => {
  const selectors = ['growth.a', 'growth\\..*']
  const topics = ['growth.a', 'growth.b', 'other']
  expect(topics.map((topic) => isSelectedByPattern(selectors, topic))).toEqual([false, true, false])
  expect(sharesPattern(selectors, 'growth.b', 'growth.c')).toBe(true)
  expect(sharesPattern(selectors, 'growth.a', 'growth.c')).toBe(false)
  expect(sharesPattern(['a.*', 'b.*'], 'a1', 'b1')).toBe(false)
})

test('no name of a topic is taken for a pattern', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/)
  fc.assert(fc.property(name, (topic) => !isTopicPattern(topic)))
})

test('selectors that share a topic are never told apart', () => {
  const topics = ['a', 'ab', 'a.b', 'a.b.c', 'b', 'bb', 'a-b', 'ba']
  const patterns = ['a.*', 'a?b', 'a\\..*', 'a\\.b', 'b{1,2}', 'a|b', '[ab]+', 'ab*', '(a).*']
  const selector = fc.constantFrom(...topics, ...patterns)
  fc.assert(
    fc.property(selector, selector, (one, other) => {
      const both = topics.some(
        (topic) => selectsTopic([one], topic) && selectsTopic([other], topic),
      )
      if (both) expect(mayShareTopic(one, other)).toBe(true)
    }),
  )
  expect(mayShareTopic('growth\\..*', 'shop\\..*')).toBe(false)
})

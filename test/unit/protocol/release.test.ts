import { describe, expect, test } from 'vitest'
import { type Block, blockRules } from '../../../src/protocol/readiness-blocks.ts'
import { releaseOf } from '../../../src/protocol/release.ts'
import { appEvents, at, factsOf, hourOf } from '../../support/readiness-world.ts'

const partition = hourOf('2026-11-20T13')
const blocked = (rule: Block['rule'], more: Partial<Block> = {}): Block => ({
  stream: 'app_events',
  partition,
  rule,
  sinceMs: at('2026-11-20T14:06:00Z'),
  at: undefined,
  detail: undefined,
  ...more,
})
const release = (block: Block, now = '2026-11-20T14:16:00Z'): string =>
  releaseOf(factsOf({}, at(now)), appEvents, block)

const rules = blockRules.filter((rule) => rule !== 'earlier-partition')

test.each(rules)('what is blocked by %s is told what releases it', (rule) => {
  expect(release(blocked(rule))).toMatch(/^.{10,}[^.]$/)
})

test('no two rules are released by the same', () => {
  expect(new Set(rules.map((rule) => release(blocked(rule)))).size).toBe(rules.length)
})

describe('where the moment is known it is told', () => {
  test('the delay ends by the clock of the lake, and then by event time', () => {
    const text = "the lake's clock at 2026-11-20T14:05:00.000Z"
    expect(release(blocked('delay'), '2026-11-20T14:04:59Z')).toBe(text)
    expect(release(blocked('delay'), '2026-11-20T14:05:00Z')).toContain(
      'event time of 2026-11-20T14:05:00.000Z',
    )
  })

  test('idleness is proven an idle span after the last rows, or after the end plus delay', () => {
    const proof = (since: string) => release(blocked('idle-without-proof', { sinceMs: at(since) }))
    expect(proof('2026-11-20T14:20:00Z')).toMatch(/asked at or after 2026-11-20T14:30:00.000Z$/)
    expect(proof('2026-11-20T13:20:00Z')).toMatch(/asked at or after 2026-11-20T14:15:00.000Z$/)
  })

  test('another stream is named', () => {
    expect(release(blocked('other-stream', { detail: 'orders' }))).toContain('"orders"')
  })
})

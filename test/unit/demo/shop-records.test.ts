import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { Chance } from '../../../src/demo/chance.ts'
import { ShopRecords } from '../../../src/demo/shop-records.ts'
import { ShopWorld } from '../../../src/demo/shop-world.ts'

const protos = {
  shop: readFileSync('proto/shop.proto', 'utf8'),
  rawEvent: readFileSync('proto/raw_event.proto', 'utf8'),
}
const startMs = unixMs(Date.UTC(2026, 10, 20, 7))
const quarterMs = 900_000
/** A quarter of an hour of the shop breaks none of most streams by chance alone. */
const seeds = Array.from({ length: 24 }, (_, index) => 7 * index)

test.each(seeds)(
  'a quarter of an hour breaks an event of each stream, and one of none: seed %i',
  (seed) => {
    const chance = new Chance(seed)
    const records = new ShopRecords(chance, protos)
    const events = new ShopWorld(chance, startMs).eventsUntil(unixMs(startMs + quarterMs))
    const broken = records
      .recordsOf(events)
      .flatMap(({ meant }) => meant)
      .filter(({ meant }) => meant === 'broken')
    const streams = ['_unknown', 'page_views', 'purchases', 'sessions']
    expect(broken.map(({ stream }) => stream)).toEqual(expect.arrayContaining(streams))
    expect(broken.length).toBeLessThan(events.length / 50)
  },
)

/**
 * The benchmarks' app events: seeded, with the cardinalities of a real app, as envelopes.
 *
 * Cardinalities (printed with every result): event_id and url unique, ip nearly unique, user_id
 * ~1.4 M skewed, device 180 and app_version 40 skewed, event_name 60 skewed, tags 0–4 of 100,
 * items 0–3 of 5,000 SKUs, ext 0–5 entries, page in 80 %, battery in 85 %, referrer in 30 %.
 */
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import { Chance } from '../../src/demo/chance.ts'

export const cardinalities =
  'event_id, url unique; user_id 1.4 M skewed; device 180, app_version 40, event_name 60 skewed; ' +
  'country 10; tags 0-4 of 100; items 0-3 of 5,000 SKUs; ext 0-5; page 80 %; referrer 30 %'

/** Events begin here, a millisecond apart on average: up to three million fall into this hour. */
export const firstEventMs = Date.UTC(2026, 10, 20, 10)

export interface AppEventEnvelope {
  readonly eventTimeMs: number
  readonly value: Uint8Array
}

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

export class AppEvents {
  readonly #chance: Chance
  readonly #event: protobuf.Type
  readonly #envelope: protobuf.Type
  #clockMs = firstEventMs
  readonly #devices: readonly string[]
  readonly #skus: readonly string[]
  readonly #pages: readonly string[]

  constructor(seed: number) {
    const chance = new Chance(seed)
    this.#chance = chance
    this.#event = protobuf
      .parse(text('app-event.proto'), { keepCase: true })
      .root.lookupType('bench.AppEvent')
    const rawEvent = text('../../proto/raw_event.proto')
    this.#envelope = protobuf.parse(rawEvent).root.lookupType('lakeward.v1.RawEvent')
    this.#devices = Array.from({ length: 180 }, (_, index) => `${chance.pick(brands)}${index}`)
    this.#skus = Array.from({ length: 5_000 }, () => `SKU${chance.hex(6)}`)
    this.#pages = Array.from({ length: 50 }, () => `Page ${chance.hex(5)}`)
  }

  /** The bytes of the next event alone. */
  nextPayload(): Uint8Array {
    return this.#event.encode(this.#body()).finish()
  }

  /** @param atMs time in the envelope; without it that of the event. */
  next({ stream = 'app_event', atMs }: { stream?: string; atMs?: number } = {}): AppEventEnvelope {
    const event = this.#body()
    const eventTimeMs = atMs ?? (event['event_time'] as number)
    const payload = this.#event.encode(event).finish()
    const eventId = Buffer.from(this.#chance.hex(32), 'hex')
    const envelope = { stream, eventTimeMs, eventId, payload }
    return { eventTimeMs, value: this.#envelope.encode(envelope).finish() }
  }

  #body(): Record<string, unknown> {
    const chance = this.#chance
    this.#clockMs += chance.integer(0, 3)
    const skewed = (count: number): number =>
      Math.floor(chance.fraction() * chance.fraction() * count)
    return {
      event_id: uuid(chance),
      event_time: this.#clockMs,
      user_id: 10_000_000 + skewed(2_000_000),
      device: this.#devices[skewed(180)],
      app_version: `${3 + (skewed(40) >> 4)}.${skewed(40) & 15}`,
      ip: Array.from({ length: 4 }, () => chance.integer(1, 255)).join('.'),
      url: `https://m.shop.example/p/${chance.integer(0, 20_000)}?r=${chance.hex(8)}`,
      session_sequence: chance.integer(0, 200),
      screen_width: chance.pick(widths),
      screen_height: chance.pick(heights),
      latitude: chance.integer(-9_000_000, 9_000_000) / 1e5,
      longitude: chance.integer(-18_000_000, 18_000_000) / 1e5,
      is_foreground: chance.happens(0.8),
      is_premium: chance.happens(0.1),
      platform: chance.integer(1, 4),
      os_version: `${9 + chance.integer(0, 9)}.${chance.integer(0, 4)}`,
      locale: chance.pick(locales),
      country: chance.pick(countries),
      event_name: `${chance.pick(names)}_${skewed(10)}`,
      latency_ms: Math.round(chance.fraction() * chance.fraction() * 1e5) / 100,
      session_id: skewed(9_000_000_000),
      ...this.#sometimes(skewed),
    }
  }

  #sometimes(skewed: (count: number) => number): Record<string, unknown> {
    const chance = this.#chance
    const some = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
    const item = (): unknown => ({
      sku: chance.pick(this.#skus),
      quantity: chance.integer(1, 6),
      price: chance.integer(0, 20_000) / 100,
    })
    const page = {
      id: `p${chance.integer(0, 3_000)}`,
      name: chance.pick(this.#pages),
      duration: chance.integer(0, 60_000) / 1_000,
    }
    const ext = some(skewed(6), () => [chance.pick(keys), chance.hex(3 + chance.integer(0, 8))])
    return {
      tags: some(chance.integer(0, 5), () => `tag_${chance.integer(0, 100).toString(36)}`),
      items: some(skewed(4), item),
      ext: Object.fromEntries(ext),
      ...(chance.happens(0.8) ? { page } : {}),
      ...(chance.happens(0.85) ? { battery: chance.integer(0, 101) } : {}),
      ...(chance.happens(0.3) ? { referrer: `https://ref.example/${chance.pick(keys)}` } : {}),
    }
  }
}

const brands = ['SM-G', 'iPhone', 'Pixel ', 'Redmi '] as const
const widths = [360, 375, 390, 393, 412, 414, 428, 768, 1_024] as const
const heights = [640, 667, 780, 812, 844, 852, 896, 915, 926, 1_366] as const
const locales = ['en_US', 'pt_BR', 'de_DE', 'fr_FR', 'ja_JP', 'es_MX', 'ko_KR', 'hi_IN'] as const
const countries = ['US', 'BR', 'DE', 'FR', 'JP', 'MX', 'KR', 'IN', 'GB', 'IT'] as const
const names = ['screen_view', 'tap_button', 'purchase', 'scroll', 'login', 'push_open'] as const
const keys = ['ab_group', 'campaign', 'net', 'carrier', 'src', 'variant', 'promo'] as const

const uuid = (chance: Chance): string =>
  [8, 4, 4, 4, 12].map((digits) => chance.hex(digits)).join('-')

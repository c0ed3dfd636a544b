/**
 * A believable shop: visitors come, look at pages, some buy. Event times run ahead in order, but
 * for a few seconds of disorder, as phones and networks make it.
 */
import { type UnixMs, unixMs } from '../base/time.ts'
import type { Chance } from './chance.ts'

export type ShopStream = 'page_views' | 'sessions' | 'purchases'

/** One event as the app would send it; `body` is a message of proto/shop.proto. */
export interface ShopEvent {
  readonly stream: ShopStream
  readonly eventTimeMs: UnixMs
  /** Kafka key: all events of a visitor stay in one topic-partition. */
  readonly userId: number
  readonly body: Readonly<Record<string, unknown>>
}

interface Visit {
  readonly sessionId: string
  readonly userId: number
  readonly country: string
  readonly device: number
  readonly startedMs: number
  readonly viewport: { readonly width: number; readonly height: number }
  pagesLeft: number
  nextMs: number
  path: string
}

/** Events are up to this much older than those before them. */
const disorderMsMax = 20_000

const visitsPerHour = 400
const visitGapMs = 3_600_000 / visitsPerHour
const countries = ['DE', 'FR', 'PL', 'US', 'BR', 'IN', 'JP', 'KE', 'CL', ''] as const
const shelves = ['shoes', 'lamps', 'chairs', 'books', 'bicycles', 'tea'] as const
const tags = ['new', 'sale', 'returning', 'mobile', 'beta'] as const
const agents = ['ShopApp/7.2 (iOS)', 'ShopApp/7.1 (Android)', 'Mozilla/5.0'] as const
const viewports = [
  { width: 390, height: 844 },
  { width: 820, height: 1_180 },
  { width: 1_920, height: 1_080 },
] as const

export class ShopWorld {
  readonly #chance: Chance
  #visits: Visit[] = []
  #nextVisitMs: number

  constructor(chance: Chance, startMs: UnixMs) {
    this.#chance = chance
    this.#nextVisitMs = startMs
  }

  /** Everything that happens before `untilMs`, roughly in order of event time. */
  eventsUntil(untilMs: UnixMs): readonly ShopEvent[] {
    const events: ShopEvent[] = []
    while (this.#nextVisitMs < untilMs) {
      events.push(...this.#arrive(this.#nextVisitMs))
      this.#nextVisitMs += this.#spread(visitGapMs)
    }
    for (const visit of this.#visits) {
      while (visit.pagesLeft > 0 && visit.nextMs < untilMs) events.push(...this.#look(visit))
    }
    this.#visits = this.#visits.filter(({ pagesLeft }) => pagesLeft > 0)
    return events
      .map((event) => this.#delayed(event))
      .sort(byTime)
      .map(({ event }) => event)
  }

  #arrive(atMs: number): readonly ShopEvent[] {
    const chance = this.#chance
    const visit: Visit = {
      sessionId: chance.hex(16),
      userId: chance.integer(1, 5_000),
      country: chance.pick(countries),
      device: chance.integer(1, 4),
      startedMs: Math.floor(atMs),
      viewport: chance.pick(viewports),
      pagesLeft: chance.integer(1, 9),
      nextMs: atMs + this.#spread(2_000),
      path: '/',
    }
    this.#visits.push(visit)
    const userAgent = chance.pick(agents)
    const more = { phase: 0, userAgent, returning: chance.happens(0.4) }
    return [eventOf('sessions', visit, visit.startedMs, more)]
  }

  #look(visit: Visit): readonly ShopEvent[] {
    const chance = this.#chance
    const atMs = Math.floor(visit.nextMs)
    const referrer = chance.happens(0.3) ? { referrer: `https://search.example${visit.path}` } : {}
    const view = eventOf('page_views', visit, atMs, {
      path: visit.path,
      ...referrer,
      country: visit.country,
      device: visit.device,
      viewport: visit.viewport,
      loadMs: chance.integer(40, 900),
      tags: tags.filter(() => chance.happens(0.2)),
      query: chance.happens(0.2) ? { utm: chance.pick(['mail', 'ad', 'friend']) } : {},
    })
    visit.pagesLeft -= 1
    visit.nextMs += this.#spread(25_000)
    visit.path = `/${chance.pick(shelves)}/${chance.integer(1, 400)}`
    const bought = chance.happens(0.06) ? [this.#buy(visit, atMs + 900)] : []
    return visit.pagesLeft > 0 ? [view, ...bought] : [view, ...bought, ended(visit, atMs + 1_500)]
  }

  #buy(visit: Visit, atMs: number): ShopEvent {
    const chance = this.#chance
    const items = Array.from({ length: chance.integer(1, 4) }, () => ({
      sku: `${chance.pick(shelves)}-${chance.integer(1, 400)}`,
      quantity: chance.integer(1, 4),
      price: chance.integer(300, 20_000) / 100,
    }))
    const total = items.reduce((sum, { quantity, price }) => sum + quantity * price, 0)
    const payment = chance.happens(0.8)
      ? { cardLast4: String(chance.integer(1_000, 10_000)) }
      : { voucher: chance.hex(8) }
    const order = { orderId: chance.hex(12), items, total, currency: 'EUR', ...payment }
    return eventOf('purchases', visit, atMs, order)
  }

  /** Exponential-looking pauses around a mean. */
  #spread(meanMs: number): number {
    return -Math.log(1 - this.#chance.fraction()) * meanMs
  }

  #delayed(event: ShopEvent): { event: ShopEvent; sentMs: number } {
    const late = this.#chance.happens(0.1) ? this.#chance.integer(0, disorderMsMax) : 0
    return { event, sentMs: event.eventTimeMs + late }
  }
}

const byTime = (a: { sentMs: number }, b: { sentMs: number }): number => a.sentMs - b.sentMs

const ended = (visit: Visit, atMs: number): ShopEvent =>
  eventOf('sessions', visit, atMs, { phase: 1, durationMs: atMs - visit.startedMs })

function eventOf(
  stream: ShopStream,
  { sessionId, userId }: Visit,
  atMs: number,
  body: Readonly<Record<string, unknown>>,
): ShopEvent {
  return { stream, eventTimeMs: unixMs(atMs), userId, body: { sessionId, userId, ...body } }
}

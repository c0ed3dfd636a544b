/**
 * A metastore seen from all daemons, and one process's way to it.
 *
 * As the real one it has no compare-and-set: who registers looks, decides by what was there, and
 * alters, with time in between; the last alter wins. A write that was sent has its effect though
 * nobody waits for it any more, however its process fares.
 */
import { Fault } from '../../src/base/fault.ts'
import { durationMs } from '../../src/base/time.ts'
import type {
  Catalog,
  CatalogPartition,
  CatalogTable,
  ShownPartition,
  SwitchOutcome,
  TableOutcome,
} from '../../src/ports/catalog.ts'
import type { SimClock } from './clock.ts'
import type { Life } from './life.ts'
import type { FaultKind } from './plan.ts'
import type { SimRandom } from './random.ts'

/** How long what was sent may take, of whoever gave it up. */
export const metastoreLingersMs = 2_500
const downMsMax = 12_000
/** Until somebody has put away what a stranger left in our way. */
const inTheWayMsMax = 4_000

/** What stands there; of a stranger where nothing is said of a revision. */
export interface KeptPartition {
  readonly location: string
  /** 0 while it is not announced. */
  readonly revision: number | undefined
  readonly announced: CatalogPartition['announced']
}

/** What a daemon wrote, and when, as `RecordedStore.firstSet` counts. */
export interface CatalogWrite {
  readonly table: string
  readonly path: string
  readonly revision: number
  readonly afterSet: number
}

export interface MetastoreWeather {
  readonly clock: SimClock
  /** Draws all that concerns the metastore: what else happens is drawn as without it. */
  readonly random: SimRandom
  strikes(kind: FaultKind, probability: number): boolean
  readonly setCount: () => number
}

export class Metastore {
  readonly tables = new Map<string, CatalogTable>()
  /** By table and path, joined by "/". */
  readonly partitions = new Map<string, KeptPartition>()
  /** All that daemons wrote, in its order. */
  readonly written: CatalogWrite[] = []
  readonly weather: MetastoreWeather
  /** Of what was shown to somebody, by table, path and revision. */
  readonly seen = new Set<string>()
  /** It takes no call until somebody says so. */
  isStopped = false
  #downUntilMs = 0

  constructor(weather: MetastoreWeather) {
    this.weather = weather
  }

  get isDown(): boolean {
    const { clock, random } = this.weather
    const nowMs = clock.monotonicMs()
    if (this.isStopped || nowMs < this.#downUntilMs) return true
    if (!this.weather.strikes('metastore-down', 0.1)) return false
    this.#downUntilMs = nowMs + random.below(downMsMax)
    return true
  }

  keep(table: string, partition: CatalogPartition): void {
    const { path, location, announced } = partition
    const revision = announced?.revision ?? 0
    this.partitions.set(`${table}/${path}`, { location, revision, announced })
    this.written.push({ table, path, revision, afterSet: this.weather.setCount() })
  }

  /** Before the first write of ours: at our place, or in another folder until it is put away. */
  strangerAdds(table: string, { path, location }: CatalogPartition): void {
    const { clock, random } = this.weather
    const key = `${table}/${path}`
    const isOurPlace = random.fraction() < 0.5
    const place = isOurPlace ? location : 'file:///elsewhere'
    this.partitions.set(key, { location: place, revision: undefined, announced: undefined })
    if (isOurPlace) return
    void clock.sleep(durationMs(random.below(inTheWayMsMax))).then(() => {
      if (this.partitions.get(key)?.location === place) this.partitions.delete(key)
    })
  }

  /** What we said of it is gone, or all of it. */
  strangerAlters(table: string, { path, location }: CatalogPartition): void {
    const key = `${table}/${path}`
    if (this.weather.random.fraction() < 0.5) this.partitions.delete(key)
    else this.partitions.set(key, { location, revision: undefined, announced: undefined })
  }

  catalog(life: Life): Catalog {
    return new MetastoreCalls(this, life)
  }
}

/** One process's way to it. */
class MetastoreCalls implements Catalog {
  readonly lingersMs = durationMs(metastoreLingersMs)
  readonly #metastore: Metastore
  readonly #life: Life

  constructor(metastore: Metastore, life: Life) {
    this.#metastore = metastore
    this.#life = life
  }

  async ensureTable(table: CatalogTable, signal: AbortSignal): Promise<TableOutcome> {
    const { tables } = this.#metastore
    const isThere = await this.#call('get_table', signal, () => tables.has(table.name))
    if (isThere) return { kind: 'kept' }
    await this.#call('create_table', signal, () => {
      if (!tables.has(table.name)) tables.set(table.name, table)
    })
    return { kind: 'created' }
  }

  async register(
    table: string,
    partitions: readonly CatalogPartition[],
    signal: AbortSignal,
  ): Promise<void> {
    const { partitions: kept, seen, weather, tables } = this.#metastore
    const isThere = await this.#call('get_table', signal, () => tables.has(table))
    if (!isThere) throw new Fault('CATALOG_TABLE_MISSING', { catalog: 'sim', table })
    for (const partition of partitions) {
      const isNew = !kept.has(`${table}/${partition.path}`)
      if (isNew && weather.strikes('metastore-altered', 0.3)) {
        this.#metastore.strangerAdds(table, partition)
      }
    }
    const look = () => partitions.map(({ path }) => kept.get(`${table}/${path}`))
    let found = await this.#call('get_partitions', signal, look)
    if (found.includes(undefined)) {
      await this.#call('add_partitions', signal, () => this.#add(table, partitions))
      found = await this.#call('get_partitions', signal, look)
    }
    const changed = partitions.filter((wanted, at) => needsChange(found[at], wanted))
    if (changed.length > 0) {
      await this.#call('alter_partitions', signal, () => {
        for (const partition of changed) this.#metastore.keep(table, partition)
      })
    }
    const [elsewhere] = partitions.filter((wanted, at) => isElsewhere(found[at], wanted))
    if (elsewhere !== undefined) throw inTheWay(table, elsewhere)
    for (const partition of partitions) {
      // Before anybody has read back what stands, which may be newer than what was just written.
      const key = `${table}/${partition.path}`
      const revision = kept.get(key)?.revision ?? partition.announced?.revision ?? 0
      if (seen.has(`${key}/${revision}`)) continue
      if (weather.strikes('metastore-altered', 0.2)) {
        this.#metastore.strangerAlters(table, partition)
      }
    }
  }

  read(
    table: string,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ShownPartition[]> {
    const { partitions, seen } = this.#metastore
    return this.#call('get_partitions', signal, () =>
      paths.flatMap((path) => {
        const found = partitions.get(`${table}/${path}`)
        if (found === undefined) return []
        seen.add(`${table}/${path}/${found.revision}`)
        return [{ path, location: found.location, revision: found.revision }]
      }),
    )
  }

  async switchLocation(): Promise<SwitchOutcome> {
    throw new Error('no world switches locations')
  }

  async probe(): Promise<string> {
    return 'sim'
  }

  async close(): Promise<void> {}

  #add(table: string, partitions: readonly CatalogPartition[]): void {
    for (const partition of partitions) {
      if (this.#metastore.partitions.has(`${table}/${partition.path}`)) continue
      this.#metastore.keep(table, partition)
    }
  }

  async #call<T>(call: string, signal: AbortSignal, effect: () => T): Promise<T> {
    const { weather } = this.#metastore
    const { random, clock } = weather
    if (signal.aborted) throw lost(call, 'no time is left')
    await this.#life.sleep(durationMs(random.below(20)))
    // Who comes back from a pause hears first that its time is over.
    await this.#life.sleep(durationMs(0))
    if (signal.aborted) throw lost(call, 'no time is left')
    if (this.#metastore.isDown) throw lost(call, 'nobody takes the connection')
    if (weather.strikes('metastore-request-lost', 0.06)) throw lost(call, 'request lost')
    if (weather.strikes('metastore-slow', 0.08)) {
      const span = durationMs(random.below(metastoreLingersMs))
      const landed = clock.sleep(span).then(effect)
      const isOver = Symbol('over')
      const aborted = aborts(signal).then((): typeof isOver => isOver)
      const result = await Promise.race([landed, aborted])
      if (result === isOver) throw lost(call, 'no answer in time')
      await this.#life.sleep(durationMs(1))
      return result
    }
    const result = effect()
    await this.#life.sleep(durationMs(random.below(20)))
    if (weather.strikes('metastore-answer-lost', 0.06)) throw lost(call, 'answer lost')
    return result
  }
}

const aborts = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Somebody else's, in another folder: it is not for us to move it. */
const isElsewhere = (there: KeptPartition | undefined, wanted: CatalogPartition): boolean =>
  there !== undefined && there.revision === undefined && there.location !== wanted.location

/** As one look tells; by the time of the alter it may be otherwise. */
function needsChange(there: KeptPartition | undefined, wanted: CatalogPartition): boolean {
  if (there === undefined || isElsewhere(there, wanted)) return false
  const revision = wanted.announced?.revision ?? 0
  if (there.revision !== undefined && there.revision > revision) return false
  return there.revision !== revision || there.location !== wanted.location
}

const lost = (call: string, reason: string): Fault =>
  new Fault('CATALOG_UNAVAILABLE', { catalog: 'sim', call, reason: `sim: ${reason}` })

const inTheWay = (table: string, { path, location }: CatalogPartition): Fault =>
  new Fault('CATALOG_PARTITION_ELSEWHERE', {
    table,
    partition: path,
    found: 'file:///elsewhere',
    wanted: location,
  })

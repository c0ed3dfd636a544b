/** A catalog in memory, with its clock's world, that fails where it is told to. */
import { Fault } from '../../src/base/fault.ts'
import { durationMs } from '../../src/base/time.ts'
import type {
  Catalog,
  CatalogPartition,
  CatalogTable,
  LocationSwitch,
  ShownPartition,
  SwitchOutcome,
  TableOutcome,
} from '../../src/ports/catalog.ts'

export interface CatalogFault {
  /** From 1. */
  readonly failAt: number
  readonly moment: 'before-effect' | 'after-effect'
  readonly lasting: 'once' | 'forever'
}

export class SimCatalog implements Catalog {
  readonly lingersMs = durationMs(0)
  readonly tables = new Map<string, CatalogTable>()
  /** By table and path. */
  readonly partitions = new Map<string, CatalogPartition>()
  readonly madeCount = new Map<string, number>()
  calls = 0
  fault: CatalogFault | undefined

  ensureTable(table: CatalogTable): Promise<TableOutcome> {
    return this.#effect('ensureTable', (): TableOutcome => {
      const isNew = !this.tables.has(table.name)
      this.tables.set(table.name, table)
      this.madeCount.set(table.name, (this.madeCount.get(table.name) ?? 0) + 1)
      return { kind: isNew ? 'created' : 'kept' }
    })
  }

  register(table: string, partitions: readonly CatalogPartition[]): Promise<void> {
    return this.#effect('register', () => {
      if (!this.tables.has(table))
        throw new Fault('CATALOG_TABLE_MISSING', { catalog: 'sim', table })
      for (const partition of partitions) {
        const known = this.partitions.get(`${table}/${partition.path}`)
        const shown = known?.announced?.revision ?? -1
        if (shown > (partition.announced?.revision ?? 0)) continue
        this.partitions.set(`${table}/${partition.path}`, partition)
      }
    })
  }

  read(table: string, paths: readonly string[]): Promise<readonly ShownPartition[]> {
    return this.#effect('read', () =>
      paths.flatMap((path) => {
        const found = this.partitions.get(`${table}/${path}`)
        if (found === undefined) return []
        return [{ path, location: found.location, revision: found.announced?.revision ?? 0 }]
      }),
    )
  }

  switchLocation(_table: string, _change: LocationSwitch): Promise<SwitchOutcome> {
    throw new Error('nobody switches here')
  }

  probe(): Promise<string> {
    return Promise.resolve('sim')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #effect<T>(call: string, effect: () => T): Promise<T> {
    await Promise.resolve()
    this.calls += 1
    const { fault, calls } = this
    const fails =
      fault !== undefined &&
      (fault.lasting === 'once' ? calls === fault.failAt : calls >= fault.failAt)
    const lost = new Fault('CATALOG_UNAVAILABLE', { catalog: 'sim', call, reason: 'told to' })
    if (fails && fault.moment === 'before-effect') throw lost
    const done = effect()
    if (fails) throw lost
    return done
  }
}

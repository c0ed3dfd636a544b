/**
 * A Hive Metastore as a catalog.
 *
 * Invariants:
 * - What is written is looked at first, and again where somebody else may have been quicker: the
 *   metastore has no compare-and-set, and the last alter wins.
 * - Every write may be made twice: partitions are added where absent, and altered to what they are
 *   to be.
 * - Structs are changed as they came: fields that are not known here stay.
 *
 * Source: measured on the metastores 3.1.3 and 4.0.1; docs/hive.md.
 */
import { Fault, isFault } from '../../base/fault.ts'
import { durationMs } from '../../base/time.ts'
import type {
  Catalog,
  CatalogPartition,
  CatalogTable,
  LocationSwitch,
  ShownPartition,
  SwitchOutcome,
  TableOutcome,
} from '../../ports/catalog.ts'
import {
  changedPartition,
  type HivePartition,
  type HiveTable,
  isSamePlace,
  newPartition,
  newTable,
  parametersOf,
  readPartition,
  readTable,
  revisionOf,
  valuesOf,
  withColumns,
} from './hive-structs.ts'
import { compareTable, refuseRepeated, type TableMatch } from './hive-table-match.ts'
import type { MetastoreCall } from './metastore-calls.ts'
import { callTimeoutMs, MetastoreClient, type MetastoreClientOptions } from './metastore-client.ts'
import { MetastoreException } from './metastore-connection.ts'
import {
  bool,
  readStruct,
  readStructs,
  readText,
  struct,
  structOf,
  structs,
  type ThriftStruct,
  text,
  textMap,
  texts,
} from './thrift-value.ts'

export interface HiveCatalogOptions extends MetastoreClientOptions {
  readonly database: string
}

/** The metastore takes some 20 ms for each, in one transaction. */
const partitionsAtOnceMax = 100
/** Looks, where others change the same table at the same time. */
const looksMax = 5

/** The metastore would list the folder, to count what we told it. */
const noStatistics = struct(structOf([[1, textMap({ DO_NOT_UPDATE_STATS: 'true' })]]))
/** The columns of the partitions change with those of the table. */
const cascade = struct(structOf([[1, textMap({ CASCADE: 'true', DO_NOT_UPDATE_STATS: 'true' })]]))

export class HiveCatalog implements Catalog {
  /** The connection waits for so long, and is closed then. */
  readonly lingersMs = durationMs(callTimeoutMs)
  readonly #client: MetastoreClient
  readonly #database: string
  readonly #owner: string
  /** Tables that fitted when they were looked at, by name: people may put others in their place. */
  readonly #fitted = new Map<string, CatalogTable>()

  constructor(options: HiveCatalogOptions) {
    this.#client = new MetastoreClient(options)
    this.#database = options.database
    this.#owner = options.user
  }

  async ensureTable(table: CatalogTable, signal: AbortSignal): Promise<TableOutcome> {
    refuseRepeated(`${this.#database}.${table.name}`, table)
    let created = false
    const added = new Set<string>()
    for (let look = 1; look <= looksMax; look++) {
      const found = await this.#readTable(table.name, signal)
      if (found === undefined) {
        created = await this.#create(table, signal)
        continue
      }
      const match = this.#compared(found, table)
      if (match.kind === 'fits') {
        this.#fitted.set(table.name, table)
        if (created) return { kind: 'created' }
        return added.size === 0 ? { kind: 'kept' } : { kind: 'grown', added: [...added] }
      }
      for (const column of match.added) added.add(column)
      await this.#ask('alter_table_with_environment_context', table.name, signal, [
        [1, text(this.#database)],
        [2, text(table.name)],
        [3, struct(withColumns(found, match.columns))],
        [4, cascade],
      ])
    }
    const reason = `it was changed ${looksMax} times meanwhile`
    throw this.#refused('alter_table_with_environment_context', table.name, reason)
  }

  /** @returns false when somebody else made it meanwhile. */
  async #create(table: CatalogTable, signal: AbortSignal): Promise<boolean> {
    const made = newTable(this.#database, this.#owner, table)
    try {
      await this.#client.call('create_table', structOf([[1, struct(made)]]), signal)
      return true
    } catch (error) {
      if (isException(error, 'AlreadyExistsException')) return false
      if (isException(error, 'InvalidObjectException', 'NoSuchObjectException')) {
        await this.#requireDatabase(signal)
      }
      // Of two that make it at once one may be told of its database's constraint instead.
      const isRace = isException(error, 'MetaException')
      if (isRace && (await this.#readTable(table.name, signal)) !== undefined) return false
      throw this.#faultOf(error, 'create_table', table.name)
    }
  }

  async register(
    table: string,
    partitions: readonly CatalogPartition[],
    signal: AbortSignal,
  ): Promise<void> {
    const strangers: Fault[] = []
    for (let first = 0; first < partitions.length; first += partitionsAtOnceMax) {
      const batch = partitions.slice(first, first + partitionsAtOnceMax)
      strangers.push(...(await this.#registerBatch(table, batch, signal)))
    }
    const [stranger] = strangers
    if (stranger !== undefined) throw stranger
  }

  /** @returns what is in the way of some of them. */
  async #registerBatch(
    table: string,
    partitions: readonly CatalogPartition[],
    signal: AbortSignal,
  ): Promise<readonly Fault[]> {
    const home = await this.#fittingTable(table, signal)
    const paths = partitions.map(({ path }) => path)
    let found = await this.#partitions(table, paths, signal)
    const absent = partitions.filter(({ path }) => !found.has(keyOf(path)))
    if (absent.length > 0) {
      await this.#add(table, home, absent, signal)
      // Somebody else may have added one of them, and at another place: it was left as it is.
      found = await this.#partitions(table, paths, signal)
    }
    const strangers: Fault[] = []
    const changed: ThriftStruct[] = []
    for (const partition of partitions) {
      const there = found.get(keyOf(partition.path))
      if (there === undefined) {
        throw this.#refused('add_partitions_req', table, `"${partition.path}" is gone again`)
      }
      if (isElsewhere(there, partition)) strangers.push(this.#elsewhere(table, there, partition))
      if (!needsChange(there, partition)) continue
      changed.push(changedPartition(there, partition.location, parametersOf(partition)))
    }
    await this.#alter(table, changed, signal)
    return strangers
  }

  async read(
    table: string,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ShownPartition[]> {
    const found = await this.#partitions(table, paths, signal).catch(emptyWithoutTable)
    return paths.flatMap((path) => {
      const there = found.get(keyOf(path))
      return there === undefined
        ? []
        : [{ path, location: there.location, revision: revisionOf(there) }]
    })
  }

  async switchLocation(
    table: string,
    { path, from, to }: LocationSwitch,
    signal: AbortSignal,
  ): Promise<SwitchOutcome> {
    const found = await this.#partitions(table, [path], signal).catch(emptyWithoutTable)
    const there = found.get(keyOf(path))
    if (there === undefined) return { kind: 'absent' }
    if (isSamePlace(there.location, to)) return { kind: 'already' }
    if (revisionOf(there) === undefined || !isSamePlace(there.location, from)) {
      return { kind: 'elsewhere', location: there.location }
    }
    await this.#alter(table, [changedPartition(there, to, {})], signal)
    return { kind: 'switched' }
  }

  async probe(signal: AbortSignal): Promise<string> {
    const answer = await this.#ask('getVersion', 'version', signal, [])
    await this.#requireDatabase(signal)
    return `metastore ${readText(answer, 0)} has the database "${this.#database}"`
  }

  close(): Promise<void> {
    this.#client.close()
    return Promise.resolve()
  }

  async #readTable(table: string, signal: AbortSignal): Promise<HiveTable | undefined> {
    const request = structOf([
      [1, text(this.#database)],
      [2, text(table)],
    ])
    try {
      const answer = await this.#client.call(
        'get_table_req',
        structOf([[1, struct(request)]]),
        signal,
      )
      const fields = readStruct(readStruct(answer, 0), 1)
      if (fields === undefined) throw this.#refused('get_table_req', table, 'the answer is empty')
      return readTable(fields)
    } catch (error) {
      if (isException(error, 'NoSuchObjectException')) return undefined
      throw this.#faultOf(error, 'get_table_req', table)
    }
  }

  async #requireTable(table: string, signal: AbortSignal): Promise<HiveTable> {
    const found = await this.#readTable(table, signal)
    if (found !== undefined) return found
    throw this.#tableMissing(table)
  }

  /** Partitions have the columns of their table: one that does not fit any more gets none. */
  async #fittingTable(table: string, signal: AbortSignal): Promise<HiveTable> {
    const found = await this.#requireTable(table, signal)
    const wanted = this.#fitted.get(table)
    if (wanted === undefined || this.#compared(found, wanted).kind === 'fits') return found
    await this.ensureTable(wanted, signal)
    return this.#requireTable(table, signal)
  }

  #compared(found: HiveTable, wanted: CatalogTable): TableMatch {
    return compareTable(`${this.#database}.${wanted.name}`, found, wanted)
  }

  async #requireDatabase(signal: AbortSignal): Promise<void> {
    const database = this.#database
    try {
      await this.#client.call('get_database', structOf([[1, text(database)]]), signal)
    } catch (error) {
      if (!isException(error, 'NoSuchObjectException')) {
        throw this.#faultOf(error, 'get_database', database)
      }
      const facts = { catalog: this.#client.name, database }
      throw new Fault('CATALOG_DATABASE_MISSING', facts, { cause: error })
    }
  }

  /** By key of the path. */
  async #partitions(
    table: string,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, HivePartition>> {
    const answer = await this.#ask('get_partitions_by_names', table, signal, [
      [1, text(this.#database)],
      [2, text(table)],
      [3, texts(paths)],
    ])
    const found = readStructs(answer, 0).map(readPartition)
    return new Map(found.map((partition) => [partition.values.join('/'), partition]))
  }

  async #add(
    table: string,
    home: HiveTable,
    absent: readonly CatalogPartition[],
    signal: AbortSignal,
  ): Promise<void> {
    const place = { database: this.#database, name: table, table: home }
    const request = structOf([
      [1, text(this.#database)],
      [2, text(table)],
      [3, structs(absent.map((partition) => newPartition(place, partition)))],
      // Others may be at the same.
      [4, bool(true)],
      // The answer would be as long as the request.
      [5, bool(false)],
    ])
    await this.#ask('add_partitions_req', table, signal, [[1, struct(request)]])
  }

  async #alter(
    table: string,
    partitions: readonly ThriftStruct[],
    signal: AbortSignal,
  ): Promise<void> {
    if (partitions.length === 0) return
    await this.#ask('alter_partitions_with_environment_context', table, signal, [
      [1, text(this.#database)],
      [2, text(table)],
      [3, structs(partitions)],
      [4, noStatistics],
    ])
  }

  async #ask(
    call: MetastoreCall,
    what: string,
    signal: AbortSignal,
    fields: Parameters<typeof structOf>[0],
  ): Promise<ThriftStruct> {
    try {
      return await this.#client.call(call, structOf(fields), signal)
    } catch (error) {
      throw this.#faultOf(error, call, what)
    }
  }

  #faultOf(error: unknown, call: MetastoreCall, what: string): unknown {
    if (!(error instanceof MetastoreException)) return error
    const isOfPartitions = partitionCalls.has(call)
    const isTableGone = error.exception === 'NoSuchObjectException' || isMissingTable(error)
    if (isOfPartitions && isTableGone) return this.#tableMissing(what, error)
    return this.#refused(call, what, `${error.exception}: ${error.message}`, error)
  }

  #refused(call: MetastoreCall, what: string, reason: string, cause?: unknown): Fault {
    const facts = { catalog: this.#client.name, call, what: `${this.#database}.${what}`, reason }
    return new Fault('CATALOG_REFUSED', facts, cause === undefined ? undefined : { cause })
  }

  #tableMissing(table: string, cause?: unknown): Fault {
    const facts = { catalog: this.#client.name, table: `${this.#database}.${table}` }
    return new Fault('CATALOG_TABLE_MISSING', facts, cause === undefined ? undefined : { cause })
  }

  #elsewhere(table: string, there: HivePartition, wanted: CatalogPartition): Fault {
    return new Fault('CATALOG_PARTITION_ELSEWHERE', {
      table: `${this.#database}.${table}`,
      partition: wanted.path,
      found: there.location,
      wanted: wanted.location,
    })
  }
}

const partitionCalls = new Set<MetastoreCall>(['add_partitions_req', 'get_partitions_by_names'])

/** The metastore has no class for it where partitions are added. */
const isMissingTable = ({ exception }: MetastoreException): boolean =>
  exception === 'InvalidObjectException'

const isException = (error: unknown, ...exceptions: readonly string[]): boolean =>
  error instanceof MetastoreException && exceptions.includes(error.exception)

/** A table that is not there has no partitions. */
function emptyWithoutTable(error: unknown): ReadonlyMap<string, HivePartition> {
  if (isFault(error, 'CATALOG_TABLE_MISSING')) return new Map()
  throw error
}

const keyOf = (path: string): string => valuesOf(path).join('/')

/** Somebody else's, in another folder: it is not for us to move it. */
const isElsewhere = (there: HivePartition, wanted: CatalogPartition): boolean =>
  revisionOf(there) === undefined && !isSamePlace(there.location, wanted.location)

function needsChange(there: HivePartition, wanted: CatalogPartition): boolean {
  if (isElsewhere(there, wanted)) return false
  const shown = revisionOf(there)
  if (shown !== undefined && shown > (wanted.announced?.revision ?? 0)) return false
  if (!isSamePlace(there.location, wanted.location)) return true
  const parameters = Object.entries(parametersOf(wanted))
  return parameters.some(([name, value]) => there.parameters[name] !== value)
}

/**
 * A metastore in this process: answers as the real ones were seen to answer, on a port of its own,
 * and fails where it is told to.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { metastoreCalls } from '../../src/adapters/hive/metastore-calls.ts'
import { decodeMessage, encodeMessage } from '../../src/adapters/hive/thrift-binary.ts'
import {
  readStruct,
  readStructs,
  readText,
  readTextMap,
  readTexts,
  struct,
  structOf,
  structs,
  type ThriftMessage,
  type ThriftStruct,
  type ThriftValue,
  text,
  textMap,
  withFields,
} from '../../src/adapters/hive/thrift-value.ts'

export interface MetastoreFault {
  /** From 1, of the calls besides `set_ugi`, since it was set. */
  readonly failAt: number
  readonly moment: 'before-effect' | 'after-effect'
  readonly lasting: 'once' | 'forever'
}

interface FakeTable {
  fields: ThriftStruct
  /** By values, joined by "/". */
  readonly partitions: Map<string, ThriftStruct>
}

/** Answered as an exception. */
export class Declared extends Error {
  readonly exception: string

  constructor(exception: string, message: string) {
    super(message)
    this.exception = exception
  }
}

const sd = { table: 7, partition: 6 }

export class FakeMetastore {
  readonly databases = new Map<string, Map<string, FakeTable>>()
  /** Names of the calls that came, besides `set_ugi`. */
  readonly calls: string[] = []
  /** As whom it was asked. */
  readonly users: string[] = []
  /** Numbers of partitions that requests added. */
  readonly addedAtOnce: number[] = []
  /** Takes connections and calls, and answers no call. */
  silent = false
  /** Of whose partitions one asks: as 3.1 has it, or InvalidObjectException as 4.0. */
  ofMissingTable = 'NoSuchObjectException'
  /** What a login waits for before it is answered. */
  login: Promise<void> | undefined
  /** Called before a call has its effect; what it throws is the answer. */
  onCall: (name: string) => void = () => {}
  #fault: MetastoreFault | undefined
  #faultFrom = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(): Promise<FakeMetastore> {
    const server = createServer()
    const fake = new FakeMetastore(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return fake
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  set fault(fault: MetastoreFault | undefined) {
    this.#fault = fault
    this.#faultFrom = this.calls.length
  }

  createDatabase(name: string): void {
    this.databases.set(name, new Map())
  }

  /** As another client would have left it. */
  partition(table: string, values: string): ThriftStruct | undefined {
    const [database = '', name = ''] = table.split('.')
    return this.databases.get(database)?.get(name)?.partitions.get(values)
  }

  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cutConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    let held = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      for (let read = decodeMessage(held); read !== undefined; read = decodeMessage(held)) {
        held = held.subarray(read.sizeBytes)
        this.#onCall(socket, read.message)
        if (held.length === 0) return
      }
    })
  }

  #onCall(socket: Socket, call: ThriftMessage): void {
    if (call.name === 'set_ugi') this.users.push(readText(call.fields, 1))
    else this.calls.push(call.name)
    const isLogin = call.name === 'set_ugi'
    if (this.silent && !isLogin) return this.onCall(call.name)
    if (isLogin && this.login !== undefined) {
      void this.login.then(() => socket.write(encodeMessage({ ...call, ...this.#answer(call) })))
      return
    }
    const fails = !isLogin && this.#failsNow()
    if (fails && this.#fault?.moment === 'before-effect') return void socket.destroy()
    const answer = this.#answer(call)
    if (fails) return void socket.destroy()
    socket.write(encodeMessage({ ...call, ...answer }))
  }

  #failsNow(): boolean {
    if (this.#fault === undefined) return false
    const index = this.calls.length - this.#faultFrom
    const { failAt, lasting } = this.#fault
    return lasting === 'once' ? index === failAt : index >= failAt
  }

  #answer(call: ThriftMessage): Pick<ThriftMessage, 'kind' | 'fields'> {
    try {
      if (call.name !== 'set_ugi') this.onCall(call.name)
      const result = this.#do(call)
      return { kind: 'reply', fields: structOf([[0, result]]) }
    } catch (error) {
      if (!(error instanceof Declared)) throw error
      const declared = metastoreCalls[call.name as keyof typeof metastoreCalls]
      const [id] = Object.entries(declared).find(([, name]) => name === error.exception) ?? []
      if (id === undefined) throw error
      const thrown = struct(structOf([[1, text(error.message)]]))
      return { kind: 'reply', fields: structOf([[Number(id), thrown]]) }
    }
  }

  #do({ name, fields }: ThriftMessage): ThriftValue | undefined {
    switch (name) {
      case 'getVersion':
        return text('0-fake')
      case 'set_ugi':
        return { type: 'list', of: 'binary', values: [] }
      case 'get_database':
        if (this.databases.has(readText(fields, 1))) return struct(structOf([]))
        throw new Declared('NoSuchObjectException', 'no such database')
      case 'create_table':
        return this.#createTable(readStruct(fields, 1) ?? new Map())
      case 'get_table_req': {
        const request = readStruct(fields, 1)
        const found = this.#table(readText(request, 1), readText(request, 2))
        if (found === undefined) throw new Declared('NoSuchObjectException', 'no such table')
        return struct(structOf([[1, struct(found.fields)]]))
      }
      case 'alter_table_with_environment_context':
        return this.#alterTable(fields)
      case 'add_partitions_req':
        return this.#addPartitions(readStruct(fields, 1) ?? new Map())
      case 'get_partitions_by_names':
        return this.#partitionsByNames(fields)
      case 'alter_partitions_with_environment_context':
        return this.#alterPartitions(fields)
    }
    throw new Error(`"${name}" is not made`)
  }

  #table(database: string, name: string): FakeTable | undefined {
    return this.databases.get(database)?.get(name)
  }

  #createTable(fields: ThriftStruct): undefined {
    const database = this.databases.get(readText(fields, 2))
    const name = readText(fields, 1)
    if (database === undefined) throw new Declared('InvalidObjectException', 'no database')
    if (database.has(name)) throw new Declared('AlreadyExistsException', 'table is there')
    database.set(name, { fields: moved(fields, sd.table), partitions: new Map() })
  }

  #alterTable(fields: ThriftStruct): undefined {
    const table = this.#table(readText(fields, 1), readText(fields, 2))
    const changed = readStruct(fields, 3)
    if (table === undefined || changed === undefined) {
      throw new Declared('InvalidOperationException', 'no such table')
    }
    table.fields = changed
    if (readTextMap(readStruct(fields, 4), 1)['CASCADE'] !== 'true') return
    const columns = readStruct(changed, sd.table)?.get(1)
    if (columns === undefined) return
    for (const [values, partition] of table.partitions) {
      const inner = readStruct(partition, sd.partition) ?? new Map()
      const grown = struct(withFields(inner, [[1, columns]]))
      table.partitions.set(values, withFields(partition, [[sd.partition, grown]]))
    }
  }

  #addPartitions(request: ThriftStruct): ThriftValue {
    const table = this.#table(readText(request, 1), readText(request, 2))
    if (table === undefined) throw new Declared('InvalidObjectException', 'no such table')
    const parts = readStructs(request, 3)
    this.addedAtOnce.push(parts.length)
    const names = parts.map((part) => readTexts(part, 1).join('/'))
    if (new Set(names).size < names.length) {
      throw new Declared('MetaException', 'Duplicate partitions in the list')
    }
    const isLenient = isTrue(request, 4)
    if (!isLenient && names.some((name) => table.partitions.has(name))) {
      throw new Declared('AlreadyExistsException', 'a partition is there')
    }
    const added = parts.filter((_, index) => !table.partitions.has(names[index] ?? ''))
    for (const part of added) {
      const listed = readTextMap(part, 7)['totalSize'] === undefined
      table.partitions.set(
        readTexts(part, 1).join('/'),
        withParameters(moved(part, sd.partition), listed ? { totalSize: 'listed' } : {}),
      )
    }
    return struct(structOf([[1, isTrue(request, 5) ? structs(added) : undefined]]))
  }

  #partitionsByNames(fields: ThriftStruct): ThriftValue {
    const table = this.#table(readText(fields, 1), readText(fields, 2))
    if (table === undefined) throw new Declared(this.ofMissingTable, 'no such table')
    const found = readTexts(fields, 3).flatMap((name) => {
      const values = name.split('/').map((part) => part.replace(/^[^=]*=/, ''))
      const partition = table.partitions.get(values.join('/'))
      return partition === undefined ? [] : [partition]
    })
    return structs(found)
  }

  #alterPartitions(fields: ThriftStruct): undefined {
    const table = this.#table(readText(fields, 1), readText(fields, 2))
    const parts = readStructs(fields, 3)
    const isThere = (part: ThriftStruct): boolean =>
      table?.partitions.has(readTexts(part, 1).join('/')) === true
    if (table === undefined || !parts.every(isThere)) {
      throw new Declared('InvalidOperationException', 'alter is not possible')
    }
    const counts = readTextMap(readStruct(fields, 4), 1)['DO_NOT_UPDATE_STATS'] !== 'true'
    for (const part of parts) {
      table.partitions.set(
        readTexts(part, 1).join('/'),
        withParameters(moved(part, sd.partition), counts ? { totalSize: 'listed' } : {}),
      )
    }
  }
}

const isTrue = (fields: ThriftStruct, id: number): boolean => {
  const value = fields.get(id)
  return value?.type === 'bool' && value.value
}

const withParameters = (
  fields: ThriftStruct,
  parameters: Readonly<Record<string, string>>,
): ThriftStruct => withFields(fields, [[7, textMap({ ...readTextMap(fields, 7), ...parameters })]])

/** Hadoop writes local places with one slash. */
function moved(fields: ThriftStruct, id: number): ThriftStruct {
  const inner = readStruct(fields, id) ?? new Map()
  const location = readText(inner, 2).replace(/^file:\/+/, 'file:/')
  return withFields(fields, [[id, struct(withFields(inner, [[2, text(location)]]))]])
}

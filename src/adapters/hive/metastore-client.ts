/**
 * Calls to a Hive Metastore that has one address or several.
 *
 * Invariants:
 * - No call is made twice here: who asked knows whether that is harmless. Only an address that
 *   takes no connection, which is before a call, is passed over for the next one.
 * - After a connection failed the next call begins with the address behind it.
 * - Who stopped waiting is told at once; the connection waits for the answer, which may still come,
 *   until the call's own time is up.
 */
import { setTimeout } from 'node:timers/promises'
import { Fault } from '../../base/fault.ts'
import { KerberosTrouble } from '../../base/kerberos-trouble.ts'
import type { Kerberos } from '../../ports/kerberos.ts'
import type { MetastoreCall } from './metastore-calls.ts'
import {
  type MetastoreAddress,
  MetastoreConnection,
  MetastoreException,
} from './metastore-connection.ts'
import { structOf, type ThriftStruct, text, texts } from './thrift-value.ts'

const connectTimeoutMs = 5_000
/** A KDC may be asked before. */
const loginTimeoutMs = 15_000
/** Partitions take some 20 ms each, and a hundred of them are one call. */
export const callTimeoutMs = 60_000
const connectionsMax = 4

export interface MetastoreClientOptions {
  /** How messages name it. */
  readonly name: string
  readonly addresses: readonly MetastoreAddress[]
  /** As whom it is asked; by Kerberos the metastore has its own name for the principal. */
  readonly user: string
  /** By it each connection logs in; a password is never asked for. */
  readonly kerberos?: MetastoreLogin | undefined
}

interface MetastoreLogin {
  readonly kerberos: Kerberos
  /** First part of the metastore's principal: "hive" of "hive/hms1@EXAMPLE.COM". */
  readonly service: string
}

export class MetastoreClient {
  readonly name: string
  readonly #options: MetastoreClientOptions
  readonly #idle: MetastoreConnection[] = []
  readonly #open = new Set<MetastoreConnection>()
  #busyCount = 0
  readonly #waiting: (() => void)[] = []
  /** Index of the address that is tried first. */
  #first = 0

  constructor(options: MetastoreClientOptions) {
    this.name = options.name
    this.#options = options
  }

  /**
   * @returns the fields of the answer; the result is field 0.
   * @throws {MetastoreException} that is the answer: nothing was done.
   * @throws {Fault} `CATALOG_UNAVAILABLE`.
   */
  async call(call: MetastoreCall, fields: ThriftStruct, signal: AbortSignal) {
    if (signal.aborted) throw this.#unavailable(call, 'no time is left')
    const answer = this.#inTurn(call, () => this.#callNow(call, fields, signal))
    return untilAborted(answer, signal, () => this.#unavailable(call, 'no answer in time'))
  }

  /** A call after it opens connections again. */
  close(): void {
    for (const connection of this.#open) connection.close()
    this.#open.clear()
    this.#idle.length = 0
  }

  /** At most so many at the same time as there may be connections. */
  async #inTurn<T>(call: MetastoreCall, work: () => Promise<T>): Promise<T> {
    while (this.#busyCount >= connectionsMax) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await promise
    }
    this.#busyCount += 1
    try {
      return await work()
    } catch (error) {
      if (error instanceof MetastoreException || error instanceof Fault) throw error
      throw this.#unavailable(call, reasonOf(error), error)
    } finally {
      this.#busyCount -= 1
      this.#waiting.shift()?.()
    }
  }

  async #callNow(
    call: MetastoreCall,
    fields: ThriftStruct,
    signal: AbortSignal,
  ): Promise<ThriftStruct> {
    if (signal.aborted) throw this.#unavailable(call, 'no time is left')
    const connection = await this.#connection()
    // Nothing is begun that was given up while it connected, or while this process was stopped:
    // then the timer of who gives up is due, and comes before one that begins now.
    await setTimeout(0)
    if (signal.aborted) {
      this.#idle.push(connection)
      throw this.#unavailable(call, 'no time is left')
    }
    try {
      const answer = await connection.call(call, fields, callTimeoutMs)
      this.#idle.push(connection)
      return answer
    } catch (error) {
      if (connection.usable) this.#idle.push(connection)
      else this.#lost(connection)
      throw error
    }
  }

  async #connection(): Promise<MetastoreConnection> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.usable) return idle
      this.#open.delete(idle)
    }
    const { addresses } = this.#options
    const reasons: string[] = []
    let areRefused = true
    for (const _ of addresses) {
      const at = addresses[this.#first % addresses.length]
      if (at === undefined) break
      try {
        return await this.#connect(at)
      } catch (error) {
        reasons.push(`${at.host}:${at.port}: ${reasonOf(error)}`)
        areRefused &&= error instanceof KerberosTrouble && !error.passes
        this.#first = (this.#first + 1) % addresses.length
      }
    }
    const reason = reasons.join('; ')
    if (areRefused) throw new Fault('CATALOG_LOGIN_REFUSED', { catalog: this.name, reason })
    throw new Error(reason)
  }

  async #connect(at: MetastoreAddress): Promise<MetastoreConnection> {
    const { user, kerberos: login } = this.#options
    if (login !== undefined) {
      const sasl = { kerberos: login.kerberos, service: `${login.service}@${at.host}` }
      const connection = await MetastoreConnection.open(at, loginTimeoutMs, sasl)
      this.#open.add(connection)
      return connection
    }
    const connection = await MetastoreConnection.open(at, connectTimeoutMs)
    this.#open.add(connection)
    try {
      const fields = structOf([
        [1, text(user)],
        [2, texts([user])],
      ])
      await connection.call('set_ugi', fields, connectTimeoutMs)
      return connection
    } catch (error) {
      this.#open.delete(connection)
      connection.close()
      throw error
    }
  }

  #lost(connection: MetastoreConnection): void {
    this.#open.delete(connection)
    this.#first = (this.#first + 1) % this.#options.addresses.length
  }

  #unavailable(call: MetastoreCall, reason: string, cause?: unknown): Fault {
    const facts = { catalog: this.name, call, reason }
    return new Fault('CATALOG_UNAVAILABLE', facts, cause === undefined ? undefined : { cause })
  }
}

/** What is said below the protocol; of several addresses of one host the system says nothing. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof MetastoreException) return `${error.exception}: ${error.message}`
  if (error.message === '' && 'code' in error) return String(error.code)
  return error.message
}

/** The work goes on after the signal; what becomes of it is not heard any more. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal, because: () => Fault): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(because())
  signal.addEventListener('abort', abort, { once: true })
  work.catch(() => {})
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort))
}

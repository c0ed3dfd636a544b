/**
 * A delegation token of our own: got as a user or by Kerberos, renewed each hour, got anew when it
 * is not taken.
 *
 *     GET /webhdfs/v1/?op=GETDELEGATIONTOKEN&renewer=etl&user.name=etl   {"Token":{"urlString":…}}
 *     PUT /webhdfs/v1/?op=RENEWDELEGATIONTOKEN&token=…&user.name=etl     {"long":1763800000000}
 *
 * - A cluster that needs no tokens gives none: then we come by our name.
 * - By Kerberos no name is said: the cluster has its own for the principal, which is who may renew.
 * - Many calls begin at once; one of them gets the token.
 * - Nobody waits for a renewal, nor for a KDC meanwhile: the token lives for a day, and what keeps
 *   it from being renewed is told, and tried again.
 */
import { Fault, isFault } from '../../base/fault.ts'
import type { Kerberos } from '../../ports/kerberos.ts'
import { type HdfsDoor, type HdfsQuery, type TokenPorts, tellTokenTrouble } from './hdfs-door.ts'
import type { HdfsWhere } from './hdfs-failure.ts'
import type { HdfsHttp, HttpCall } from './hdfs-http.ts'
import type { HdfsLogin, HdfsRequests } from './hdfs-requests.ts'
import { sendNegotiated } from './negotiate.ts'
import { parseExpiry, parseToken } from './web-hdfs-answers.ts'

const renewAfterMs = 3_600_000
const renewAgainAfterMs = 60_000
const call = { operation: 'log in', path: '', isLogin: true } as const

export interface OwnTokenOptions extends TokenPorts {
  readonly requests: HdfsRequests
  readonly http: HdfsHttp
  readonly scheme: HdfsDoor['scheme']
  readonly where: HdfsWhere
  /** By it instead of as the user of `where`. */
  readonly kerberos: Kerberos | undefined
}

interface Held {
  /** Undefined where the cluster gives none. */
  readonly token: string | undefined
  renewAtMs: number
}

export class OwnToken implements HdfsLogin {
  readonly #options: OwnTokenOptions
  #held: Held | undefined
  #coming: Promise<Held> | undefined
  /** Moves on with each that is forgotten. */
  #version = 0

  constructor(options: OwnTokenOptions) {
    this.#options = options
  }

  /** @throws {Fault} `LAKE_…`: none is to be had. */
  async identity(): Promise<HdfsQuery> {
    const held = this.#held ?? (await this.#come())
    if (this.#nowMs() >= held.renewAtMs) this.#renewAside(held)
    return held.token === undefined ? this.#name : { delegation: held.token }
  }

  get version(): number {
    return this.#version
  }

  /** Of many calls that are refused at once, one forgets it; all may come with the next one. */
  forget(version: number): boolean {
    if (version !== this.#version || this.#coming !== undefined) return true
    if (this.#held?.token === undefined) return false
    this.#held = undefined
    this.#version++
    return true
  }

  #come(): Promise<Held> {
    this.#coming ??= this.#get()
      .then((token) => (this.#held = this.#heldNow(token)))
      .finally(() => {
        this.#coming = undefined
      })
    return this.#coming
  }

  #renewAside(held: Held): void {
    held.renewAtMs = this.#nowMs() + renewAgainAfterMs
    const told = (error: unknown): void => tellTokenTrouble(this.#options.telemetry, 'renew', error)
    void this.#renewed(held).catch(told)
  }

  async #renewed(before: Held): Promise<void> {
    const { token } = before
    const isTaken = token !== undefined && (await this.#renew(token))
    const next = this.#heldNow(isTaken ? token : await this.#get())
    // Meanwhile it was refused to somebody: then another is got, or there already.
    if (this.#held === before) this.#held = next
  }

  /** @returns false when it is not taken any more: it lived for as long as tokens may. */
  async #renew(token: string): Promise<boolean> {
    const query = { op: 'RENEWDELEGATIONTOKEN', token }
    try {
      return (await this.#ask('PUT', query, parseExpiry)) !== undefined
    } catch (error) {
      if (isFault(error, 'LAKE_REFUSED') || isFault(error, 'LAKE_USER_REFUSED')) return false
      throw error
    }
  }

  async #get(): Promise<string | undefined> {
    const { kerberos, where } = this.#options
    // Without it the renewer is whom the cluster takes us for.
    const renewer = kerberos === undefined ? { renewer: where.user } : {}
    const query = { op: 'GETDELEGATIONTOKEN', ...renewer }
    const token = await this.#ask('GET', query, parseToken)
    if (token === undefined && kerberos !== undefined) {
      const reason = 'the cluster gives no delegation token, as one without security'
      throw new Fault('LAKE_USER_REFUSED', { operation: 'log in', path: '', ...where, reason })
    }
    return token
  }

  async #ask<T>(
    method: HttpCall['method'],
    query: HdfsQuery & { readonly op: string },
    read: (body: Buffer) => T,
  ): Promise<T | undefined> {
    const { requests, http, scheme, kerberos } = this.#options
    const answer = await requests.ask({
      ...call,
      name: query.op,
      send: async ({ namenode }) => {
        const url = new URL(`${scheme}://${namenode}/webhdfs/v1/`)
        const all = { ...query, ...this.#name }
        for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value)
        const sent =
          kerberos === undefined
            ? http.send({ method, url })
            : sendNegotiated(http, { method, url }, kerberos)
        return read((await sent).body)
      },
    })
    return answer.kind === 'answered' ? answer.value : undefined
  }

  get #name(): HdfsQuery {
    const { kerberos, where } = this.#options
    return kerberos === undefined ? { 'user.name': where.user } : {}
  }

  #heldNow(token: string | undefined): Held {
    return { token, renewAtMs: this.#nowMs() + renewAfterMs }
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs()
  }
}

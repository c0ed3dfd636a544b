/**
 * A delegation token of our own: got as a user, renewed each hour, got anew when it is not taken.
 *
 *     GET /webhdfs/v1/?op=GETDELEGATIONTOKEN&renewer=etl&user.name=etl   {"Token":{"urlString":…}}
 *     PUT /webhdfs/v1/?op=RENEWDELEGATIONTOKEN&token=…&user.name=etl     {"long":1763800000000}
 *
 * - A cluster that needs no tokens gives none: then we come by our name.
 * - Many calls begin at once; one of them gets the token.
 */
import { isFault } from '../../base/fault.ts'
import type { Clock } from '../../ports/clock.ts'
import type { HdfsDoor, HdfsQuery } from './hdfs-door.ts'
import type { HdfsHttp, HttpCall } from './hdfs-http.ts'
import type { HdfsLogin, HdfsRequests } from './hdfs-requests.ts'
import { parseExpiry, parseToken } from './web-hdfs-answers.ts'

const renewAfterMs = 3_600_000
const call = { operation: 'log in', path: '', isLogin: true } as const

export interface OwnTokenOptions {
  readonly requests: HdfsRequests
  readonly http: HdfsHttp
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly scheme: HdfsDoor['scheme']
  readonly user: string
}

interface Held {
  /** Undefined where the cluster gives none. */
  readonly token: string | undefined
  readonly renewedAtMs: number
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
    const isFresh =
      this.#held !== undefined && this.#nowMs() - this.#held.renewedAtMs < renewAfterMs
    const { token } = isFresh && this.#held !== undefined ? this.#held : await this.#come()
    return token === undefined ? this.#name : { delegation: token }
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
    this.#coming ??= this.#renewed().finally(() => {
      this.#coming = undefined
    })
    return this.#coming
  }

  async #renewed(): Promise<Held> {
    const before = this.#held?.token
    const token = before !== undefined && (await this.#renew(before)) ? before : await this.#get()
    this.#held = { token, renewedAtMs: this.#nowMs() }
    return this.#held
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

  #get(): Promise<string | undefined> {
    // Nothing of the one before is to be used, whatever comes of this.
    this.#held = undefined
    const query = { op: 'GETDELEGATIONTOKEN', renewer: this.#options.user }
    return this.#ask('GET', query, parseToken)
  }

  async #ask<T>(
    method: HttpCall['method'],
    query: HdfsQuery & { readonly op: string },
    read: (body: Buffer) => T,
  ): Promise<T | undefined> {
    const { requests, http, scheme } = this.#options
    const answer = await requests.ask({
      ...call,
      name: query.op,
      send: async ({ namenode }) => {
        const url = new URL(`${scheme}://${namenode}/webhdfs/v1/`)
        const all = { ...query, ...this.#name }
        for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value)
        return read((await http.send({ method, url })).body)
      },
    })
    return answer.kind === 'answered' ? answer.value : undefined
  }

  get #name(): HdfsQuery {
    return { 'user.name': this.#options.user }
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs()
  }
}

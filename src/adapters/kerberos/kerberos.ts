/**
 * Logins by Kerberos, made by the npm package `kerberos` with the machine's own libraries.
 *
 *     const kerberos = loadKerberos('lake.hdfs.auth', { principal: undefined })
 *     const handshake = await kerberos.begin('HTTP@nn1.example.com', 'spnego')
 *     const first = await handshake.step('')            base64, for the server
 *     await handshake.step(answer)                      the server's proof
 *
 * - The package is optional: who has no Kerberos neither compiles nor loads it.
 * - Tickets come from where the libraries look for them: KRB5_CLIENT_KTNAME names a keytab, from
 *   which they get and renew them by themselves, KRB5CCNAME a cache that another fills.
 * - They wait for a KDC on a thread of Node's pool, never on the event loop. One at a time: a KDC
 *   that swallows packets holds a thread for minutes, and there are four for all files and names.
 */
import { createRequire } from 'node:module'
import { Fault } from '../../base/fault.ts'
import { KerberosTrouble } from '../../base/kerberos-trouble.ts'
import { Mutex } from '../../base/mutex.ts'
import type { Handshake, Kerberos } from '../../ports/kerberos.ts'

/** What the package has of a client's side, as far as we use it. All bytes are in base64. */
interface GssContext {
  readonly contextComplete: boolean
  readonly step: (challenge: string) => Promise<string>
  readonly wrap: (bytes: string) => Promise<string>
  readonly unwrap: (bytes: string) => Promise<string>
}

export interface GssPackage {
  readonly initializeClient: (
    service: string,
    options: { readonly mechOID: number; readonly gssFlag: number; readonly principal?: string },
  ) => Promise<GssContext>
}

// Numbers of the package for what it takes.
const mechanisms = { spnego: 6, krb5: 9 } as const
const mutual = 2
const replay = 4
const sequence = 8

/** A KDC that is not to be reached and says so at once holds up nobody. */
const slowMs = 1_000
/** It is left alone for as long as it held a thread, so that it does half of the time at most. */
const pauseMsMax = 30_000

/** Calls that may ask a KDC, one after the other. */
class Logins {
  readonly #mutex = new Mutex()
  /** By service. */
  readonly #troubled = new Map<string, { trouble: KerberosTrouble; untilMs: number }>()

  /** Whoever waited for one that came to nothing need not wait for the same again. */
  ask<T>(service: string, call: () => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      const known = this.#troubled.get(service)
      if (known !== undefined && performance.now() < known.untilMs) throw known.trouble
      this.#troubled.delete(service)
      const beganMs = performance.now()
      try {
        return await untroubled(call())
      } catch (error) {
        const nowMs = performance.now()
        const heldMs = nowMs - beganMs
        if (error instanceof KerberosTrouble && error.passes && heldMs >= slowMs) {
          const untilMs = nowMs + Math.min(heldMs, pauseMsMax)
          this.#troubled.set(service, { trouble: error, untilMs })
        }
        throw error
      }
    })
  }
}

/** A process has one pool of threads, whoever logs in. */
const loginsOf = new WeakMap<GssPackage, Logins>()

/** Where the package is looked for; throws where it is not there. */
export type PackageLoader = () => unknown

/** Also below what NODE_PATH names, which `import` does not look at. */
const fromHere: PackageLoader = () => createRequire(import.meta.url)('kerberos') as unknown

/**
 * @param key the configuration's, which asks for it.
 * @throws {Fault} KERBEROS_PACKAGE_MISSING.
 */
export function loadKerberos(
  key: string,
  { principal, load = fromHere }: { principal: string | undefined; load?: PackageLoader },
): Kerberos {
  let found: unknown
  try {
    found = load()
  } catch (error) {
    throw new Fault('KERBEROS_PACKAGE_MISSING', { key, reason: firstLine(error) })
  }
  if (isPackage(found)) return new GssKerberos(found, principal)
  throw new Fault('KERBEROS_PACKAGE_MISSING', { key, reason: 'it is another package' })
}

export class GssKerberos implements Kerberos {
  readonly principal: string | undefined
  readonly #gss: GssPackage
  readonly #logins: Logins

  constructor(gss: GssPackage, principal: string | undefined) {
    this.#gss = gss
    this.principal = principal
    this.#logins = loginsOf.get(gss) ?? new Logins()
    loginsOf.set(gss, this.#logins)
  }

  async begin(service: string, mechanism: keyof typeof mechanisms): Promise<Handshake> {
    const { principal } = this
    const options = { mechOID: mechanisms[mechanism], gssFlag: mutual | replay | sequence }
    const named = principal === undefined ? options : { ...options, principal }
    const ask: AskFirst = (call) => this.#logins.ask(service, call)
    return new GssHandshake(await ask(() => this.#gss.initializeClient(service, named)), ask)
  }
}

type AskFirst = <T>(call: () => Promise<T>) => Promise<T>

class GssHandshake implements Handshake {
  readonly #context: GssContext
  readonly #askFirst: AskFirst

  /** @param askFirst for what may ask a KDC. */
  constructor(context: GssContext, askFirst: AskFirst) {
    this.#context = context
    this.#askFirst = askFirst
  }

  get isComplete(): boolean {
    return this.#context.contextComplete
  }

  async step(challenge: string): Promise<string> {
    const step = (): Promise<string> => this.#context.step(challenge)
    // By then there is a ticket.
    const answer = challenge === '' ? this.#askFirst(step) : untroubled(step())
    return (await answer) ?? ''
  }

  async wrap(bytes: Uint8Array): Promise<Buffer> {
    const wrapped = this.#context.wrap(Buffer.from(bytes).toString('base64'))
    return Buffer.from(await untroubled(wrapped), 'base64')
  }

  async unwrap(bytes: Uint8Array): Promise<Buffer> {
    const plain = this.#context.unwrap(Buffer.from(bytes).toString('base64'))
    return Buffer.from(await untroubled(plain), 'base64')
  }
}

const isPackage = (found: unknown): found is GssPackage =>
  typeof found === 'object' &&
  found !== null &&
  typeof Reflect.get(found, 'initializeClient') === 'function'

const passing = /cannot contact any kdc|temporarily unavailable|temporary failure/i

async function untroubled<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const message = firstLine(error)
    throw new KerberosTrouble(message, { passes: passing.test(message), cause: error })
  }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''

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
 * - They wait for a KDC on a thread of Node's pool, never on the event loop.
 */
import { createRequire } from 'node:module'
import { Fault } from '../../base/fault.ts'
import { KerberosTrouble } from '../../base/kerberos-trouble.ts'
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

  constructor(gss: GssPackage, principal: string | undefined) {
    this.#gss = gss
    this.principal = principal
  }

  async begin(service: string, mechanism: keyof typeof mechanisms): Promise<Handshake> {
    const { principal } = this
    const options = { mechOID: mechanisms[mechanism], gssFlag: mutual | replay | sequence }
    const named = principal === undefined ? options : { ...options, principal }
    return new GssHandshake(await untroubled(this.#gss.initializeClient(service, named)))
  }
}

class GssHandshake implements Handshake {
  readonly #context: GssContext

  constructor(context: GssContext) {
    this.#context = context
  }

  get isComplete(): boolean {
    return this.#context.contextComplete
  }

  async step(challenge: string): Promise<string> {
    return (await untroubled(this.#context.step(challenge))) ?? ''
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

/**
 * A real realm for one test file: its environment, the package, and the server's side of a login.
 *
 *     describe.skipIf(!wantsKerberos())('…', () => { … await RealKerberos.start() … })
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { GssPackage } from '../../src/adapters/kerberos/kerberos.ts'
import { serviceNamed } from '../system/services/catalogue.ts'
import { artifactsFolder, isFetched } from '../system/services/fetch-artifacts.ts'
import { type KerberosKeytab, kerberosModules } from '../system/services/kerberos.ts'
import { ServiceHarness, userPlaces } from '../system/services/service-harness.ts'
import type { VerifyTicket } from './negotiating-door.ts'
import { requireNamedService } from './require-service.ts'

const checkout = join(import.meta.dirname, '..', '..')
const places = userPlaces(checkout)

/** The package is compiled and in the cache: a test does not do it unasked. */
export const wantsKerberos = (): boolean =>
  requireNamedService('kerberos', () => isFetched(serviceNamed('kerberos'), places.cacheRoot))

interface ServerPackage {
  readonly initializeServer: (service: string) => Promise<{
    readonly username: string
    readonly response: string
    readonly step: (token: string) => Promise<string>
  }>
}

export class RealKerberos {
  readonly #harness: ServiceHarness
  readonly #instance: string
  /** What NODE_PATH names for a process of ours. */
  readonly modules: string
  #caches = 0

  private constructor(harness: ServiceHarness, instance: string, modules: string) {
    this.#harness = harness
    this.#instance = instance
    this.modules = modules
  }

  /** A realm of its own; those of test runs that died are removed first. */
  static async start(): Promise<RealKerberos> {
    const harness = new ServiceHarness({ ...places, say: () => {} })
    await harness.sweep()
    const instance = `test-kerberos-${process.pid}`
    await harness.up('kerberos', { instance, ownerPid: process.pid })
    const artifacts = artifactsFolder(serviceNamed('kerberos'), places.cacheRoot)
    return new RealKerberos(harness, instance, kerberosModules(artifacts))
  }

  /** Throws where the package is not there, as `require` does. */
  readonly load = (): unknown => createRequire(join(this.modules, 'x'))('kerberos') as unknown

  get client(): GssPackage {
    return this.load() as GssPackage
  }

  file(name: KerberosKeytab | 'krb5.conf'): string {
    return join(places.runRoot, this.#instance, name)
  }

  /** Of a process that gets its tickets from a keytab, with an empty cache. */
  environment(keytab = this.file('client.keytab')): Readonly<Record<string, string>> {
    return {
      KRB5_CONFIG: this.file('krb5.conf'),
      KRB5_CLIENT_KTNAME: keytab,
      KRB5CCNAME: `MEMORY:${this.#instance}-${++this.#caches}`,
      KRB5_KTNAME: this.file('http.keytab'),
    }
  }

  /** As a server does that has the key of HTTP/localhost. */
  readonly verify: VerifyTicket = async (token) => {
    try {
      const server = await (this.load() as ServerPackage).initializeServer('HTTP@localhost')
      await server.step(token)
      return { user: server.username, proof: server.response }
    } catch {
      return undefined
    }
  }

  /** No KDC any more, in a moment. */
  kill(): Promise<void> {
    return this.#harness.kill(this.#instance)
  }

  async startAgain(): Promise<void> {
    await this.#harness.up('kerberos', { instance: this.#instance })
  }

  /** Ends it and forgets its keys. */
  close(): Promise<void> {
    return this.#harness.wipe(this.#instance)
  }
}

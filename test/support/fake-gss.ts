/**
 * The package `kerberos` without a realm: one ticket, which the server's proof answers.
 *
 *     step('') → base64 of "ticket of lakeward for HTTP@localhost"; step(base64 of "proof of …")
 */
import type { GssPackage } from '../../src/adapters/kerberos/kerberos.ts'
import type { VerifyTicket } from './negotiating-door.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = (text: string): string => Buffer.from(text, 'base64').toString()
const reversed = (bytes: string): string =>
  Buffer.from(Buffer.from(bytes, 'base64').toReversed()).toString('base64')

type BeginOptions = Parameters<GssPackage['initializeClient']>[1]

export class FakeGss implements GssPackage {
  readonly begun: [string, BeginOptions][] = []
  /** What the libraries say instead of a ticket. */
  trouble: string | undefined

  readonly initializeClient: GssPackage['initializeClient'] = async (service, options) => {
    this.begun.push([service, options])
    const trouble = this.trouble
    const user = options.principal ?? 'lakeward'
    let isComplete = false
    return {
      get contextComplete() {
        return isComplete
      },
      step: async (challenge) => {
        if (trouble !== undefined) throw new Error(trouble)
        if (challenge === '') return base64(`ticket of ${user} for ${service}`)
        if (plain(challenge) !== `proof of ${service}`) throw new Error('Token was modified')
        isComplete = true
        return ''
      },
      wrap: async (bytes) => reversed(bytes),
      unwrap: async (bytes) => reversed(bytes),
    }
  }
}

/** The other side of it. */
export const verifyFakeTicket: VerifyTicket = async (token) => {
  const { user, service } = /^ticket of (?<user>\S+) for (?<service>\S+)$/.exec(plain(token))
    ?.groups ?? { user: undefined, service: undefined }
  if (user === undefined || service !== 'HTTP@localhost') return undefined
  return { user, proof: base64(`proof of ${service}`) }
}

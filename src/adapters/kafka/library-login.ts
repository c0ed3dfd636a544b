import { AuthenticationError, type SASLOptions } from './library.ts'
import type { KafkaLogin, SaslOptions } from './options.ts'

/** How to connect and log in, in the words of `@platformatic/kafka`. */
export function libraryLogin({ tls, sasl }: KafkaLogin) {
  return {
    ...(tls === undefined ? {} : { tls, tlsServerName: tls.servername ?? true }),
    ...(sasl === undefined ? {} : { sasl: librarySasl(sasl) }),
  }
}

function librarySasl(sasl: SaslOptions): SASLOptions {
  if (sasl.mechanism === 'oauthbearer') {
    return { mechanism: 'OAUTHBEARER', token: sasl.token, authBytesValidator: refuseReason }
  }
  const { username, password } = sasl
  const mechanisms = {
    plain: 'PLAIN',
    'scram-sha-256': 'SCRAM-SHA-256',
    'scram-sha-512': 'SCRAM-SHA-512',
  } as const
  return { mechanism: mechanisms[sasl.mechanism], username, password }
}

/** A broker that takes a token answers nothing; one that refuses it answers why. */
function refuseReason(bytes: Buffer, callback: (error: Error | null, bytes: Buffer) => void): void {
  const refusal = bytes.length === 0 ? null : new AuthenticationError(bytes.toString())
  callback(refusal, bytes)
}

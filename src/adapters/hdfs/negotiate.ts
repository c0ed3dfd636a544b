/**
 * A request that says by Kerberos who we are, and takes an answer from whom proves who it is.
 *
 *     Authorization: Negotiate YIIC…           with the request, unasked: one round
 *     WWW-Authenticate: Negotiate oYG1…        with the answer
 *
 * Source: RFC 4559; the service is HTTP on the host of the URL.
 */
import { KerberosTrouble } from '../../base/kerberos-trouble.ts'
import type { Kerberos } from '../../ports/kerberos.ts'
import type { HdfsHttp, HttpAnswer, HttpCall } from './hdfs-http.ts'

const proofShape = /^Negotiate +(?<proof>[A-Za-z0-9+/]+=*)$/i

/**
 * @throws {KerberosTrouble} no ticket; the server does not prove who it is.
 * @throws as `send` does.
 */
export async function sendNegotiated(
  http: HdfsHttp,
  call: HttpCall,
  kerberos: Kerberos,
): Promise<HttpAnswer> {
  const handshake = await kerberos.begin(`HTTP@${call.url.hostname}`, 'spnego')
  const authorization = `Negotiate ${await handshake.step('')}`
  const answer = await http.send({ ...call, authorization })
  const { proof } = proofShape.exec(answer.authenticate ?? '')?.groups ?? {}
  if (proof !== undefined) await handshake.step(proof)
  if (proof !== undefined && handshake.isComplete) return answer
  throw new KerberosTrouble(`"${call.url.host}" does not prove who it is`, { passes: false })
}

/**
 * Logs a socket in by SASL: handshake, then the mechanism's messages inside SaslAuthenticate.
 *
 * Source: KIP-43, KIP-152 (SaslAuthenticate), KIP-255 and RFC 7628 (OAUTHBEARER), KIP-368 (session
 * lifetime).
 */
import { randomBytes } from 'node:crypto'
import { Fault } from '../../base/fault.ts'
import { WireReader } from '../../codec/kafka/wire-reader.ts'
import { WireWriter } from '../../codec/kafka/wire-writer.ts'
import type { BrokerSocket } from './broker-socket.ts'
import { errorName } from './error-code.ts'
import { loginName, type PasswordLogin, type SaslOptions, type TokenLogin } from './options.ts'
import { checkServerSignature, type ScramLogin, scramFirst, scramProof } from './scram.ts'

const saslHandshake = { apiKey: 17, version: 1, flexible: false }
const saslAuthenticate = { apiKey: 36, version: 1, flexible: false }

interface Exchanged {
  readonly bytes: Uint8Array
  /** 0: the login does not expire. */
  readonly sessionLifetimeMs: number
}

/**
 * @returns how long the login lasts in milliseconds; 0 is for ever.
 * @throws {Fault} KAFKA_AUTHENTICATION_REFUSED
 */
export async function authenticate(socket: BrokerSocket, sasl: SaslOptions): Promise<number> {
  const mechanism = sasl.mechanism.toUpperCase()
  const body = new WireWriter().string(mechanism, false).bytes()
  const { bytes, start } = await socket.request(saslHandshake, body)
  const code = new WireReader(bytes, start).int16()
  if (code !== 0) throw refused(sasl, errorName(code))
  if (sasl.mechanism === 'oauthbearer') return bearer(socket, sasl)
  if (sasl.mechanism === 'plain') {
    const text = `\0${sasl.username}\0${sasl.password}`
    return (await exchange(socket, sasl, text)).sessionLifetimeMs
  }
  return scram(socket, sasl, sasl.mechanism === 'scram-sha-256' ? 'sha256' : 'sha512')
}

/** A token that is refused is answered with why, and with an error only after we took note. */
async function bearer(socket: BrokerSocket, sasl: TokenLogin): Promise<number> {
  const token = await sasl.token().catch((cause: Error) => {
    throw refused(sasl, cause.message, cause)
  })
  const answer = await exchange(socket, sasl, `n,,\x01auth=Bearer ${token}\x01\x01`)
  const why = Buffer.from(answer.bytes).toString()
  if (why === '') return answer.sessionLifetimeMs
  await exchange(socket, sasl, '\x01').catch(() => undefined)
  throw refused(sasl, why)
}

async function scram(
  socket: BrokerSocket,
  sasl: PasswordLogin,
  hash: ScramLogin['hash'],
): Promise<number> {
  const { username, password } = sasl
  const login = { hash, username, password, nonce: randomBytes(18).toString('base64url') }
  const first = await exchange(socket, sasl, scramFirst(login))
  try {
    const proof = scramProof(login, Buffer.from(first.bytes).toString())
    const last = await exchange(socket, sasl, proof.message)
    checkServerSignature(proof, Buffer.from(last.bytes).toString())
    return last.sessionLifetimeMs
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof Fault) throw cause
    throw refused(sasl, cause.message)
  }
}

async function exchange(
  socket: BrokerSocket,
  sasl: SaslOptions,
  message: string,
): Promise<Exchanged> {
  const body = new WireWriter().byteString(Buffer.from(message), false).bytes()
  const { bytes, start } = await socket.request(saslAuthenticate, body)
  const reader = new WireReader(bytes, start)
  const code = reader.int16()
  const reason = reader.string(false)
  const theirs = reader.bytes(false)
  const sessionLifetimeMs = Number(reader.int64())
  if (code !== 0) throw refused(sasl, `${errorName(code)} ${reason}`.trim())
  return { bytes: theirs, sessionLifetimeMs }
}

function refused(sasl: SaslOptions, reason: string, cause?: Error): Fault {
  const facts = { mechanism: sasl.mechanism, username: loginName(sasl), reason }
  return new Fault('KAFKA_AUTHENTICATION_REFUSED', facts, { cause })
}

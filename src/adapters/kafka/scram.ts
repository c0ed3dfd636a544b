/**
 * SCRAM: proves the password without sending it, and checks that the broker knows it too. Pure.
 *
 *     → n,,n=user,r=nonce
 *     ← r=nonce+theirs,s=salt,i=4096
 *     → c=biws,r=nonce+theirs,p=proof
 *     ← v=signature
 *
 * Source: RFC 5802, RFC 7677; KIP-84.
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

const iterationsMin = 4_096
const iterationsMax = 10_000_000
const header = 'n,,'

export interface ScramLogin {
  readonly hash: 'sha256' | 'sha512'
  readonly username: string
  readonly password: string
  /** Random text of this login, without commas. */
  readonly nonce: string
}

export interface ScramProof {
  /** The client's second message. */
  readonly message: string
  /** What a broker that knows the password must answer. */
  readonly serverSignature: string
}

const bareOf = ({ username, nonce }: ScramLogin): string =>
  `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`

export const scramFirst = (login: ScramLogin): string => `${header}${bareOf(login)}`

/** Answers the server's first message. @throws {Error} it is not what SCRAM allows. */
export function scramProof(login: ScramLogin, serverFirst: string): ScramProof {
  const fields = fieldsOf(serverFirst)
  const nonce = fields.get('r') ?? ''
  const iterations = Number(fields.get('i'))
  if (!nonce.startsWith(login.nonce) || nonce === login.nonce) {
    throw new Error('the broker changed our nonce')
  }
  if (!(iterations >= iterationsMin && iterations <= iterationsMax)) {
    throw new Error(`the broker asks for ${fields.get('i')} iterations`)
  }
  const { hash, password } = login
  const sizeBytes = createHash(hash).digest().length
  const salt = Buffer.from(fields.get('s') ?? '', 'base64')
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, sizeBytes, hash)
  const unproven = `c=${Buffer.from(header).toString('base64')},r=${nonce}`
  const conversation = `${bareOf(login)},${serverFirst},${unproven}`
  const sign = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()
  const clientKey = sign(salted, 'Client Key')
  const signature = sign(createHash(hash).update(clientKey).digest(), conversation)
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
  const serverSignature = sign(sign(salted, 'Server Key'), conversation).toString('base64')
  return { message: `${unproven},p=${proof.toString('base64')}`, serverSignature }
}

/** @throws {Error} the broker refused, or does not know the password itself. */
export function checkServerSignature(proof: ScramProof, serverFinal: string): void {
  const fields = fieldsOf(serverFinal)
  const refusal = fields.get('e')
  if (refusal !== undefined) throw new Error(refusal)
  const theirs = Buffer.from(fields.get('v') ?? '')
  const ours = Buffer.from(proof.serverSignature)
  if (theirs.length !== ours.length || !timingSafeEqual(theirs, ours)) {
    throw new Error('the broker does not know the password')
  }
}

function fieldsOf(message: string): ReadonlyMap<string, string> {
  const pairs = message.split(',').map((field): [string, string] => {
    return [field.slice(0, 1), field.slice(2)]
  })
  return new Map(pairs)
}

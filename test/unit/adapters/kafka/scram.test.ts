import { expect, test } from 'vitest'
import {
  checkServerSignature,
  scramFirst,
  scramProof,
} from '../../../../src/adapters/kafka/scram.ts'

/** The example of RFC 7677, section 3. */
const login = {
  hash: 'sha256',
  username: 'user',
  password: 'pencil',
  nonce: 'rOprNGfwEbeRWgbNEkqO',
} as const
const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const serverFirst = `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`

test('the proof is that of the standard', () => {
  expect(scramFirst(login)).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  const proof = scramProof(login, serverFirst)
  expect(proof.message).toBe(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`)
  const last = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='
  expect(() => checkServerSignature(proof, last)).not.toThrow()
})

test('a broker that does not know the password is found out', () => {
  const proof = scramProof(login, serverFirst)
  expect(() => checkServerSignature(proof, 'v=AAAA')).toThrow(/does not know the password/)
  expect(() => checkServerSignature(proof, 'e=invalid-proof')).toThrow(/invalid-proof/)
  expect(() => checkServerSignature(proof, '')).toThrow(/does not know/)
})

test('a nonce that is not ours, or too few or too many rounds, end the login', () => {
  expect(() => scramProof(login, 'r=other,s=AAAA,i=4096')).toThrow(/nonce/)
  expect(() => scramProof(login, `r=${login.nonce},s=AAAA,i=4096`)).toThrow(/nonce/)
  expect(() => scramProof(login, `r=${nonce},s=AAAA,i=1`)).toThrow(/1 iterations/)
  expect(() => scramProof(login, `r=${nonce},s=AAAA,i=99999999`)).toThrow(/iterations/)
  expect(() => scramProof(login, `r=${nonce},s=AAAA`)).toThrow(/iterations/)
})

test('names are escaped', () => {
  expect(scramFirst({ ...login, username: 'a=b,c,d' })).toContain('n=a=3Db=2Cc=2Cd,')
})

/** The package that may be there or not, and what it says. */
import { describe, expect, test } from 'vitest'
import { GssKerberos, loadKerberos } from '../../../../src/adapters/kerberos/kerberos.ts'
import { KerberosTrouble } from '../../../../src/base/kerberos-trouble.ts'
import type { Handshake } from '../../../../src/ports/kerberos.ts'
import { FakeGss } from '../../../support/fake-gss.ts'

describe('the package', () => {
  const missing = (load: () => unknown) => {
    try {
      return loadKerberos('lake.hdfs.auth', { principal: undefined, load })
    } catch (error) {
      return error
    }
  }

  test('that is not there is named, with the remedy', () => {
    const error = missing(() => {
      throw new Error("Cannot find module 'kerberos'\nRequire stack:\n- /x")
    })
    expect(error).toMatchObject({
      code: 'KERBEROS_PACKAGE_MISSING',
      domain: 'user',
      message:
        '"lake.hdfs.auth" needs the npm package kerberos, which cannot be loaded: ' +
        "Cannot find module 'kerberos'",
      hint: expect.stringMatching(/npm install kerberos@\d/),
    })
  })

  test.each([[undefined], [{}], ['kerberos'], [{ initializeClient: 1 }]])(
    'that is %j is another one',
    (found) => {
      expect(missing(() => found)).toMatchObject({ code: 'KERBEROS_PACKAGE_MISSING' })
    },
  )

  test('is asked for the service and the principal, by SPNEGO or plainly, in both directions', async () => {
    const gss = new FakeGss()
    const kerberos = loadKerberos('k', { principal: 'etl@REALM', load: () => gss })
    await kerberos.begin('HTTP@nn1', 'spnego')
    await new GssKerberos(gss, undefined).begin('hive@hms', 'krb5')
    const mutualReplaySequence = 2 | 4 | 8
    expect(gss.begun).toEqual([
      ['HTTP@nn1', { mechOID: 6, gssFlag: mutualReplaySequence, principal: 'etl@REALM' }],
      ['hive@hms', { mechOID: 9, gssFlag: mutualReplaySequence }],
    ])
  })
})

describe('what goes wrong', () => {
  const gssSays = (message: string) => {
    const context = {
      contextComplete: false,
      step: () => Promise.reject(new Error(message)),
      wrap: () => Promise.reject(new Error(message)),
      unwrap: () => Promise.reject(new Error(message)),
    }
    return new GssKerberos({ initializeClient: async () => context }, undefined)
  }

  test.each([
    ['Unspecified GSS failure: Cannot contact any KDC for realm "R"', true],
    ['Resource temporarily unavailable', true],
    ['Server HTTP/nn1@R not found in Kerberos database', false],
    ['No Kerberos credentials available (default cache: FILE:/run/krb5cc_0)\nmore', false],
  ])('%s', async (message, passes) => {
    const calls = [
      (handshake: Handshake) => handshake.step(''),
      (handshake: Handshake) => handshake.wrap(Buffer.from('x')),
      (handshake: Handshake) => handshake.unwrap(Buffer.from('x')),
    ]
    const handshake = await gssSays(message).begin('HTTP@nn1', 'spnego')
    for (const call of calls) {
      const error: unknown = await call(handshake).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(KerberosTrouble)
      expect(error).toMatchObject({ message: message.split('\n')[0], passes })
    }
  })
})

test('bytes are wrapped and unwrapped as they are', async () => {
  const handshake = await new GssKerberos(new FakeGss(), undefined).begin('hive@hms', 'krb5')
  const bytes = Buffer.from([0, 255, 1, 128])
  const wrapped = await handshake.wrap(bytes)
  expect(wrapped.equals(bytes)).toBe(false)
  expect((await handshake.unwrap(wrapped)).equals(bytes)).toBe(true)
})

/** The package that may be there or not, and what it says. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  GssKerberos,
  type GssPackage,
  loadKerberos,
} from '../../../../src/adapters/kerberos/kerberos.ts'
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

describe('a KDC that swallows packets', () => {
  afterEach(() => void vi.useRealTimers())

  /** One whose calls end when they are told to, each as it is told. */
  class SilentGss implements GssPackage {
    readonly asked: string[] = []
    readonly #underWay: PromiseWithResolvers<never>[] = []

    readonly initializeClient: GssPackage['initializeClient'] = (service) => {
      this.asked.push(service)
      const never = Promise.withResolvers<never>()
      this.#underWay.push(never)
      return never.promise
    }

    /** How many threads it holds. */
    get heldCount(): number {
      return this.#underWay.length
    }

    end(message: string): void {
      this.#underWay.shift()?.reject(new Error(message))
    }
  }

  const unreachable = 'Cannot contact any KDC for realm "R"'
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  test('holds one thread, whoever logs in, and those who waited are told what it came to', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const gss = new SilentGss()
    const logins = Array.from({ length: 8 }, () =>
      new GssKerberos(gss, undefined).begin('HTTP@nn1', 'spnego').catch((error: unknown) => error),
    )
    const another = new GssKerberos(gss, undefined).begin('hive@hms', 'krb5')
    const refused = expect(another).rejects.toThrow('no credentials')
    await turn()
    expect(gss.heldCount).toBe(1)
    vi.advanceTimersByTime(20_000)
    gss.end(unreachable)
    for (const trouble of await Promise.all(logins)) {
      expect(trouble).toMatchObject({ message: unreachable, passes: true })
    }
    await turn()
    // Another's KDC may be there.
    expect(gss.asked).toEqual(['HTTP@nn1', 'hive@hms'])
    gss.end('no credentials')
    await refused
  })

  test('is left alone for as long as it took, and one that says so at once is not', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const gss = new SilentGss()
    const kerberos = new GssKerberos(gss, undefined)
    const login = async (tookMs: number): Promise<void> => {
      const refused = expect(kerberos.begin('HTTP@nn1', 'spnego')).rejects.toThrow(unreachable)
      await turn()
      vi.advanceTimersByTime(tookMs)
      gss.end(unreachable)
      await refused
    }
    await login(999)
    await login(20_000)
    expect(gss.asked).toHaveLength(2)
    await login(19_999)
    expect(gss.asked).toHaveLength(2)
    vi.advanceTimersByTime(1)
    await login(120_000)
    vi.advanceTimersByTime(29_999)
    await login(0)
    expect(gss.asked).toHaveLength(3)
    vi.advanceTimersByTime(1)
    await login(0)
    expect(gss.asked).toHaveLength(4)
  })

  test('is waited for with a ticket’s first word too, and not with the server’s proof', async () => {
    const held: string[] = []
    const context = {
      contextComplete: false,
      step: (challenge: string) => {
        held.push(challenge)
        return new Promise<string>(() => {})
      },
      wrap: async (bytes: string) => bytes,
      unwrap: async (bytes: string) => bytes,
    }
    const kerberos = new GssKerberos({ initializeClient: async () => context }, undefined)
    const [one, other] = [
      await kerberos.begin('HTTP@nn1', 'spnego'),
      await kerberos.begin('HTTP@nn1', 'spnego'),
    ]
    void one.step('')
    void other.step('')
    void other.step('proof')
    await turn()
    expect(held).toEqual(['proof', ''])
  })
})

test('bytes are wrapped and unwrapped as they are', async () => {
  const handshake = await new GssKerberos(new FakeGss(), undefined).begin('hive@hms', 'krb5')
  const bytes = Buffer.from([0, 255, 1, 128])
  const wrapped = await handshake.wrap(bytes)
  expect(wrapped.equals(bytes)).toBe(false)
  expect((await handshake.unwrap(wrapped)).equals(bytes)).toBe(true)
})

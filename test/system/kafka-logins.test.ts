/** Every way into a real broker: logins, certificates, and what is told when they are wrong. */
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type {
  KafkaSourceOptions,
  PasswordLogin,
  SaslOptions,
} from '../../src/adapters/kafka/options.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { SourceRun, until, valuesOf } from '../support/source-run.ts'
import { kafkaUser } from './services/kafka-listeners.ts'

const byPassword = (mechanism: PasswordLogin['mechanism']): SaslOptions => ({
  mechanism,
  ...kafkaUser,
})
/** A token that nobody signed, as the broker of the tests takes it. */
function tokenFor(subject: string, lifetimeSeconds: number): string {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { sub: subject, iat: nowSeconds, exp: nowSeconds + lifetimeSeconds }
  return `${part({ alg: 'none' })}.${part(claims)}.`
}

for (const name of ['kafka-4', 'kafka-3'] as const) {
  describe.skipIf(!hasKafka(name))(`logins of ${name}`, () => {
    let kafka: RealKafka | undefined
    const sources = new SourceRun()
    const broker = (): RealKafka => {
      if (kafka === undefined) throw new Error(`${name} was not started`)
      return kafka
    }
    const append = (first: number, next: number): Promise<void> => {
      const records = valuesOf(first, next).map((value) => ({ value }))
      return broker().append({ topic: 't', partition: 0 }, { records })
    }
    const text = (file: keyof RealKafka['certificates']): string =>
      readFileSync(broker().certificates[file], 'utf8')
    const trusted = () => ({ ca: text('ca') })
    const client = () => ({ ...trusted(), cert: text('clientCertificate'), key: text('clientKey') })
    let groups = 0
    /** By a group, so that the library's connections log in as well as ours. */
    const read = (listener: string, more: Partial<KafkaSourceOptions>) =>
      sources.read(broker().portOf(listener), ['t'], {
        assignment: 'group',
        group: `g-${++groups}`,
        ...more,
      })

    beforeAll(async () => {
      kafka = await RealKafka.start(name)
    })
    afterAll(() => kafka?.close())
    beforeEach(() => broker().createTopic('t', 1))
    afterEach(async () => {
      await sources.close()
      await broker().deleteAllTopics()
    })

    const ways: readonly [string, string, () => Partial<KafkaSourceOptions>][] = [
      ['PLAIN', 'sasl', () => ({ sasl: byPassword('plain') })],
      ['SCRAM-SHA-256', 'sasl', () => ({ sasl: byPassword('scram-sha-256') })],
      ['SCRAM-SHA-512', 'sasl', () => ({ sasl: byPassword('scram-sha-512') })],
      [
        'OAUTHBEARER',
        'sasl',
        () => ({ sasl: { mechanism: 'oauthbearer', token: async () => tokenFor('lake', 600) } }),
      ],
      ['TLS', 'tls', () => ({ tls: trusted() })],
      ['mutual TLS', 'mutual', () => ({ tls: client() })],
      ['PLAIN over TLS', 'saslTls', () => ({ tls: trusted(), sasl: byPassword('plain') })],
      [
        'SCRAM-SHA-512 over TLS',
        'saslTls',
        () => ({ tls: trusted(), sasl: byPassword('scram-sha-512') }),
      ],
    ]
    test.each(ways)('%s on %s: read, once, in order', async (_, listener, more) => {
      await append(0, 500)
      const reader = await read(listener, more())
      await until('the records', () => reader.count >= 500)
      expect(reader.of('t/0')).toEqual(valuesOf(0, 500))
      expect(reader.refused).toEqual([])
    })

    test('logins that last four seconds are renewed: nothing is lost, nobody leaves', async () => {
      let tokens = 0
      const token = async (): Promise<string> => tokenFor(`lake-${++tokens > 0}`, 600)
      const reader = await read('brief', { sasl: byPassword('scram-sha-512') })
      const byToken = await read('brief', { sasl: { mechanism: 'oauthbearer', token } })
      const startMs = performance.now()
      let next = 0
      // Three lives of a login, and three connections at least, each more than once.
      while (performance.now() < startMs + 13_000 || tokens < 6) {
        await append(next, next + 10)
        next += 10
        await until('the records', () => reader.count >= next && byToken.count >= next)
      }
      expect(reader.of('t/0')).toEqual(valuesOf(0, next))
      expect(byToken.of('t/0')).toEqual(valuesOf(0, next))
      expect(reader.events).toEqual(['assigned t/0'])
      expect([...reader.troubles, ...byToken.troubles].filter(Boolean)).toEqual([])
    })

    const wrong: readonly [string, SaslOptions][] = [
      ['a wrong password', { ...kafkaUser, mechanism: 'plain', password: 'wrong' }],
      ['a wrong SCRAM password', { ...kafkaUser, mechanism: 'scram-sha-512', password: 'wrong' }],
      ['an expired token', { mechanism: 'oauthbearer', token: async () => tokenFor('lake', -60) }],
    ]
    test.each(wrong)('%s is told first of all, by name, and never read past', async (_, sasl) => {
      await append(0, 1)
      const reader = await read('sasl', { sasl })
      await until('it is told', () => reader.troubles.length > 0)
      const username = 'username' in sasl ? sasl.username : 'of the token'
      expect(reader.troubles[0]).toMatchObject({
        code: 'KAFKA_AUTHENTICATION_REFUSED',
        facts: { mechanism: sasl.mechanism, username },
      })
      expect(reader.troubles[0]?.message).not.toContain('wrong')
      expect(reader.count).toBe(0)
    })

    const unmet: readonly [string, string, () => Partial<KafkaSourceOptions>, RegExp][] = [
      ['a broker whose signer is not trusted', 'tls', () => ({ tls: {} }), /self-signed|issuer/],
      [
        'no certificate where one is asked for',
        'mutual',
        () => ({ tls: trusted() }),
        /certificate required|alert|closed/i,
      ],
      [
        'a certificate that expired',
        'mutual',
        () => ({
          tls: { ...trusted(), cert: text('expiredCertificate'), key: text('expiredKey') },
        }),
        /our certificate "CN=expired" expired at 20/,
      ],
      ['plain bytes to a TLS port', 'tls', () => ({}), /TLS/],
      ['no login where one is asked for', 'sasl', () => ({}), /closed|clos/i],
    ]
    test.each(unmet)('%s is told, and tried again', async (_, listener, more, reason) => {
      const reader = await read(listener, more())
      await until('it is told', () => reader.troubles.length > 0)
      expect(reader.troubles[0]?.code).toBe('KAFKA_UNREACHABLE')
      expect(reader.troubles[0]?.message).toMatch(reason)
      expect(reader.troubles[0]?.message).toContain(`:${broker().portOf(listener)}`)
    })
  })
}

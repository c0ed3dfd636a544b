import { expect, test } from 'vitest'
import { parseConfig } from '../../../../src/daemon/config.ts'

const read = (kafka: object) =>
  parseConfig({
    pipeline: 'growth',
    kafka: { brokers: ['a:1'], ...kafka },
    lake: { url: 'file:./l' },
  })
const problemsOf = (kafka: object): string =>
  read(kafka)
    .problems.map(({ path, text }) => `${path.join('.')}: ${text}`)
    .join()

const user = { username: 'growth', password: 'env:KAFKA_PASSWORD' }
const token = 'file:token.jwt'
test.each([
  [{ mechanism: 'plain', ...user, token }, '"plain" goes with username and password,'],
  [{ mechanism: 'scram-sha-512', token }, '"scram-sha-512" goes with username and password,'],
  [{ mechanism: 'plain', username: 'growth' }, '"plain" goes with username and password,'],
  [{ mechanism: 'oauthbearer', ...user }, '"oauthbearer" goes with token alone,'],
  [{ mechanism: 'oauthbearer', ...user, token }, '"oauthbearer" goes with token alone,'],
])('a login of two kinds is refused: %j', (sasl, because) => {
  const problem = problemsOf({ sasl })
  expect(problem).toContain(`kafka.sasl.mechanism: ${because}`)
})

test('a login by token needs nothing else', () => {
  const sasl = { mechanism: 'oauthbearer', token }
  const { config } = read({ sasl })
  expect(config?.kafka.sasl).toEqual(sasl)
})

test.each([
  [{ certificate: 'file:own.pem' }, 'kafka.tls.certificate: given without the other'],
  [{ key: 'file:own.key' }, 'kafka.tls.key: given without the other'],
])('half of an identity is refused: %j', (tls, because) => {
  expect(problemsOf({ tls })).toContain(because)
})

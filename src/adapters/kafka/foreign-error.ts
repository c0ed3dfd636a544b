/**
 * Turns errors of `@platformatic/kafka` and of sockets into faults: the one place that does.
 *
 * The library nests: an aggregate of one error per broker, each with causes.
 */
import { X509Certificate } from 'node:crypto'
import { InvariantError } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import { AuthenticationError, ResponseError } from './library.ts'
import { type KafkaSourceOptions, loginName } from './options.ts'

/** The parts of the options that faults name. */
export type FaultOptions = Pick<KafkaSourceOptions, 'brokers' | 'sasl' | 'tls'>

/** @throws {InvariantError} `error` is one: bugs are not explained away. */
export function faultOf(error: unknown, { brokers, sasl, tls }: FaultOptions): Fault {
  if (error instanceof Fault) return error
  if (error instanceof InvariantError) throw error
  const causes = causesOf(error)
  const reason = reasonOf(error, certificateReasons(tls))
  const login = causes.some((cause) => cause instanceof AuthenticationError)
  if (login && sasl !== undefined) {
    const { mechanism } = sasl
    const username = loginName(sasl)
    return new Fault(
      'KAFKA_AUTHENTICATION_REFUSED',
      { mechanism, username, reason },
      { cause: error },
    )
  }
  return new Fault('KAFKA_UNREACHABLE', { brokers, reason }, { cause: error })
}

/**
 * What is wrong with the certificate that we show. A broker that refuses it only closes the
 * connection; why is in an alert that the library does not hand on.
 */
function certificateReasons(tls: FaultOptions['tls']): readonly string[] {
  return [tls?.cert ?? []].flat().flatMap((text) => {
    try {
      const { subject, validFromDate, validToDate } = new X509Certificate(text)
      const [from, to] = [validFromDate, validToDate].map((date) => date.toISOString())
      if (validToDate < new Date()) return [`our certificate "${subject}" expired at ${to}`]
      return validFromDate > new Date() ? [`our certificate "${subject}" begins at ${from}`] : []
    } catch (cause) {
      return [`our certificate cannot be read: ${cause instanceof Error ? cause.message : ''}`]
    }
  })
}

/** What went wrong, in the words of all that lies in the error, and `more`. */
export function reasonOf(error: unknown, more: readonly string[] = []): string {
  const messages = [...causesOf(error).map(({ message }) => message), ...more]
  return [...new Set(messages.filter(Boolean))].join('; ')
}

const causesMax = 20

/** The error and what lies in and behind it, innermost last. */
function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = []
  const left = [error]
  while (left.length > 0 && causes.length < causesMax) {
    const next = left.shift()
    if (!(next instanceof Error)) continue
    causes.push(next)
    if (next instanceof AggregateError) left.push(...next.errors)
    left.push(next.cause)
  }
  return causes
}

/**
 * The library throws away answers that hold any error code, but keeps them on the error. We judge
 * the codes one by one: one missing topic must not hide the others.
 */
export async function answerOf<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error
    // The library types it loosely; it is what the call would have returned.
    return error['response'] as Answer
  }
}

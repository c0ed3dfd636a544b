import type { FaultTable } from './definition.ts'

/** What can go wrong between us and the Kafka brokers. */
export const kafkaFaults = {
  KAFKA_UNREACHABLE: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { brokers: readonly string[]; reason: string }) =>
      `could not reach any Kafka broker of "${f.brokers.join(',')}": ${f.reason}`,
    hint: 'Check kafka.brokers, the network and that the brokers run; lakeward goes on trying.',
  },
} as const satisfies FaultTable

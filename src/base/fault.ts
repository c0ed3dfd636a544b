import { catalogFaults } from './faults/catalog.ts'
import { configFaults } from './faults/config.ts'
import type { FaultDefinition, FaultDomain, FaultRetry, FaultTable } from './faults/definition.ts'
import { etlFaults } from './faults/etl.ts'
import { kafkaFaults } from './faults/kafka.ts'
import { lakeFaults } from './faults/lake.ts'
import { logFaults } from './faults/log.ts'
import { notifyFaults } from './faults/notify.ts'
import { schemaFaults } from './faults/schema.ts'

/** Every operating error of the service. One row = code, blame, retry rule, wording, hint. */
export const faults = {
  ...configFaults,
  ...schemaFaults,
  ...kafkaFaults,
  ...etlFaults,
  ...lakeFaults,
  ...logFaults,
  ...notifyFaults,
  ...catalogFaults,
} as const satisfies FaultTable

export type FaultCode = keyof typeof faults
export type FaultFacts<Code extends FaultCode> = Parameters<(typeof faults)[Code]['message']>[0]

/** An operating error: something outside, or something the user gave us, is not as it must be. */
export class Fault<Code extends FaultCode = FaultCode> extends Error {
  override readonly name = 'Fault'
  readonly code: Code
  readonly facts: FaultFacts<Code>

  constructor(code: Code, facts: FaultFacts<Code>, options?: { cause: unknown }) {
    const definition: FaultDefinition<never> = faults[code]
    super(definition.message(facts as never), options)
    this.code = code
    this.facts = facts
  }

  get domain(): FaultDomain {
    return faults[this.code].domain
  }

  get retry(): FaultRetry {
    return faults[this.code].retry
  }

  get hint(): string {
    return faults[this.code].hint
  }
}

/** True when `error` is a fault with this code. */
export function isFault<Code extends FaultCode>(error: unknown, code: Code): error is Fault<Code> {
  return error instanceof Fault && error.code === code
}

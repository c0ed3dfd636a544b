/** Whom an operating error concerns: who configured it, who runs the outside system, or us. */
export type FaultDomain = 'user' | 'external' | 'internal'

/** `never`: the same call would fail again. `backoff`: try again later, with growing pauses. */
export type FaultRetry = 'never' | 'backoff'

/**
 * One row of the fault table.
 *
 * `message` is lower case without a full stop and names the thing and both values; `hint` is a full
 * sentence that tells the reader an action.
 */
export interface FaultDefinition<Facts> {
  readonly domain: FaultDomain
  readonly retry: FaultRetry
  readonly message: (facts: Facts) => string
  readonly hint: string
}

export type FaultTable = Record<string, FaultDefinition<never>>

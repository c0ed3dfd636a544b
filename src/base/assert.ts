/** A bug in our own code. Never caught, never retried: the process stops and is restarted clean. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Stops the process when `condition` is false. For our own bugs; operating errors are `Fault`s. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant)
}

/** The value, which our own code guarantees to be there. */
export function present<T>(value: T | undefined | null, invariant: string): T {
  if (value === undefined || value === null) throw new InvariantError(invariant)
  return value
}

/** Marks the branch of a union that the types prove empty. */
export function unreachable(value: never, invariant: string): never {
  throw new InvariantError(`${invariant}: ${JSON.stringify(value)}`)
}

import { Fault } from '../../src/base/fault.ts'

/** The fault that `run` throws. @throws what else it throws, and when it throws nothing. */
export function faultOf(run: () => unknown): Fault {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

import { Fault, isFault } from '../base/fault.ts'
import { durationMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Troubles } from './troubles.ts'

export interface RetryContext {
  readonly clock: Clock
  readonly random: Random
  readonly troubles: Troubles
  /** Aborted when the process must end with work undone: waiting ends with the last fault. */
  readonly signal: AbortSignal | undefined
}

const firstPauseMs = 100
const pauseMsMax = 30_000

/**
 * Does `effect` again and again until an answer comes, with growing pauses. For effects that may be
 * repeated: a call that throws may have taken effect, or may still.
 *
 * @throws what `effect` throws, unless it is a fault that says "try again".
 */
export async function untilAnswered<T>(
  context: RetryContext,
  effect: () => Promise<T>,
): Promise<T> {
  const work = {}
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await effect()
      } catch (error) {
        if (!(error instanceof Fault) || error.retry === 'never') throw error
        context.troubles.raise(work, error)
        await pause(context, attempt)
        if (context.signal?.aborted === true) throw error
      }
    }
  } finally {
    context.troubles.clear(work)
  }
}

/**
 * The same, but that a refusal is an answer: somebody else can be asked then.
 *
 * @throws {Fault} `LAKE_REFUSED` besides.
 */
export async function untilRefused<T>(context: RetryContext, effect: () => Promise<T>): Promise<T> {
  const outcome = await untilAnswered(context, async () => {
    try {
      return { kind: 'done', value: await effect() } as const
    } catch (error) {
      if (isFault(error, 'LAKE_REFUSED')) return { kind: 'refused', error } as const
      throw error
    }
  })
  if (outcome.kind === 'refused') throw outcome.error
  return outcome.value
}

/** Half of the pause is chance, so that writers that failed together do not come back together. */
async function pause({ clock, random, signal }: RetryContext, attempt: number): Promise<void> {
  const fullMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(attempt, 20))
  await clock.sleep(durationMs(fullMs * (0.5 + random.fraction() / 2)), signal)
}

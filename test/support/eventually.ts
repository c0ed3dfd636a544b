/**
 * Waiting for something outside: looks again and again until a bound, and says what it saw last.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * @param look tells what there is; returns undefined while it is not what is waited for.
 * @throws {Error} after `boundMs`, with the last error of `look` if there was one.
 */
export async function eventually<T>(
  what: string,
  boundMs: number,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const endMs = performance.now() + boundMs
  let last: unknown
  while (performance.now() < endMs) {
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      last = error
    }
    await sleep(50)
  }
  throw new Error(`not within ${boundMs} ms: ${what}`, { cause: last })
}

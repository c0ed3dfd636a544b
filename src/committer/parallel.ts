/**
 * Applies `effect` to every item, at most `atOnceMax` at a time. @returns results in the items'
 * order. After a failure no further item is begun, and all that were begun have ended before it is
 * thrown: nothing goes on behind the caller's back.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnceMax: number,
  effect: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  const entries = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) {
      if (failed) return
      try {
        results[index] = await effect(item, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const workers = Array.from({ length: Math.min(atOnceMax, items.length) }, worker)
  const outcomes = await Promise.allSettled(workers)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return results
}

import type { Lake } from '../ports/lake.ts'
import type { Logger } from '../ports/telemetry.ts'

/**
 * Tells once what the storage does by itself against the lake, for its operator. Nothing waits for
 * it: such rules take days, and who may not read them can still write.
 */
export async function tellStorageRules(
  { lake, log }: { readonly lake: Lake; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const rules = await lake.rules?.(signal)
  if (rules === undefined || signal.aborted) return
  if (rules.kind === 'unknown') {
    log.info('rules of the storage are not known', { reason: rules.reason })
    return
  }
  for (const rule of rules.against) {
    log.warn('the storage has a rule against the lake', { lake: lake.url, rule })
  }
}

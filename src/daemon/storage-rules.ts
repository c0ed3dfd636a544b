import { Fault } from '../base/fault.ts'
import type { Lake } from '../ports/lake.ts'
import type { Logger } from '../ports/telemetry.ts'
import { homeOf } from '../protocol/log-paths.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import { tablesOf } from './stage-streams.ts'

/** Where a pipeline keeps what it must not lose. */
export const foldersOf = (config: ResolvedConfig): readonly string[] => [
  homeOf(config.pipeline),
  ...tablesOf(config),
]

export interface StorageRulesOptions {
  readonly lake: Lake
  readonly log: Logger
  readonly folders: readonly string[]
}

/**
 * Tells once what the storage does by itself against the lake, for its operator. Nothing waits for
 * it: such rules take days, and who may not read them can still write.
 *
 * @throws {Fault} LAKE_RULE_ENDS_UPLOADS: decided files would be lost, if their writer is away.
 */
export async function heedStorageRules(
  { lake, log, folders }: StorageRulesOptions,
  signal: AbortSignal,
): Promise<void> {
  const rules = await lake.rules?.(folders, signal)
  if (rules === undefined || signal.aborted) return
  if (rules.kind === 'unknown') {
    log.info('rules of the storage are not known', { reason: rules.reason })
    return
  }
  for (const { says } of rules.against) {
    log.warn('the storage has a rule against the lake', { lake: lake.url, rule: says })
  }
  const ending = rules.against.find(({ endsUploads }) => endsUploads)
  if (ending === undefined) return
  throw new Fault('LAKE_RULE_ENDS_UPLOADS', { lake: lake.url, rule: ending.says })
}

import type { ConfigEntry } from '../model/log-entry.ts'
import type { CommitLog } from '../ports/commit-log.ts'

/** What a configuration says to the log. */
export type ConfigProposal = Pick<ConfigEntry, 'checksum' | 'streams'>

export type AdoptOutcome =
  /** In force is what was proposed: it was already, or is since this put. */
  | { readonly kind: 'adopted' | 'put'; readonly version: number }
  /** Another process put another configuration at the same time: two hosts have different files. */
  | { readonly kind: 'conflict'; readonly version: number; readonly checksum: string }

/**
 * Sees to it that the proposed configuration is in force.
 *
 * A change is made from the version that was in force when we looked. Who loses a race against a
 * different file is told so and does not put its own over it: two hosts would do that for ever.
 *
 * @param beforePut runs after that look and before the put; what it throws keeps it from being put.
 */
export async function adoptOrPutConfig(
  log: CommitLog,
  proposal: ConfigProposal,
  beforePut?: () => Promise<void>,
): Promise<AdoptOutcome> {
  const { config } = await log.refresh()
  if (config.version > 0 && config.checksum === proposal.checksum) {
    return { kind: 'adopted', version: config.version }
  }
  await beforePut?.()
  const { checksum, streams } = proposal
  const outcome = await log.put({
    kind: 'config',
    commitId: log.nextCommitId(),
    fromVersion: config.version,
    version: config.version + 1,
    checksum,
    streams,
  })
  if (outcome.kind === 'decided') return { kind: 'put', version: config.version + 1 }
  const inForce = log.state.config
  if (inForce.checksum === checksum) return { kind: 'adopted', version: inForce.version }
  return { kind: 'conflict', version: inForce.version, checksum: inForce.checksum }
}

import { Fault } from '../base/fault.ts'
import type { FoldState } from '../model/fold-state.ts'

/** The configuration that this process was started with. */
export interface OwnConfig {
  readonly pipeline: string
  readonly checksum: string
}

/**
 * The version under which this process may put rows: that of its own configuration.
 *
 * Rows are made under the configuration of this process, whatever is in force by now. Naming the
 * version in force for them would pass rows of an old file off as rows of a new one.
 *
 * @throws {Fault} CONFIG_CONFLICT: another configuration is in force.
 */
export function configVersionIn({ config }: FoldState, own: OwnConfig): number {
  if (config.checksum === own.checksum) return config.version
  const checksums = { ownChecksum: own.checksum, logChecksum: config.checksum }
  throw new Fault('CONFIG_CONFLICT', { pipeline: own.pipeline, ...checksums })
}

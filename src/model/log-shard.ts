/**
 * A shard: a log of its own for some of a pipeline's topics. To all that writes and reads a log it
 * is a pipeline, whose name has a full stop, which no configured pipeline has.
 *
 *     growth          the first log, of all topics that no shard names
 *     growth.clicks   the log of the shard "clicks" of the pipeline "growth"
 */

/** How the log is called that a pipeline without shards has. No shard may be called so. */
export const firstShard = 'first'

/** Name that a shard's log, files and manifests bear. */
export const pipelineOfShard = (pipeline: string, shard: string): string =>
  shard === firstShard ? pipeline : `${pipeline}.${shard}`

/** The table of its dead letters: of the shard "growth.clicks" `growth_clicks_dead_letters`. */
export const deadLetterTableName = (pipeline: string): string =>
  `${pipeline.replace('.', '_')}_dead_letters`

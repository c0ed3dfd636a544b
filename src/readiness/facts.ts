import type { DurationMs } from '../base/time.ts'
import type { FoldedEvidence } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { SourceKey } from '../model/topic-partition.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type {
  FilesMissing,
  LakeTrouble,
  MetadataFact,
  ReadinessFacts,
  ReadyStream,
} from '../protocol/readiness-facts.ts'

/** What readiness needs to know of the pipeline around it. Functions are asked anew each time. */
export interface ReadinessSetup {
  readonly pipeline: string
  /** As configured. */
  readonly lakeUrl: string
  readonly lane: string
  readonly commitIntervalMs: DurationMs
  /** The streams configured now. */
  readonly streams: () => readonly ReadyStream[]
  /** High watermarks heard of lately, from answers to fetches; they tell of lag. */
  readonly ends: () => ReadonlyMap<SourceKey, FoldedEvidence>
  /** What this process reads now; undefined outside of a daemon. */
  readonly assigned: () => ReadonlySet<SourceKey> | undefined
  /** What the lake refuses at this moment. */
  readonly lakeTrouble: () => LakeTrouble | undefined
  /** Topic-partitions that stopped until an operator says how to go on, and why. */
  readonly refused?: () => ReadonlyMap<string, string>
  /** Topic-partitions that this process does not read for want of memory, and why. */
  readonly heldUp?: () => ReadonlyMap<string, string>
  /** Staged paths of what this process has published of commits that it could not as a whole. */
  readonly standing?: () => ReadonlySet<string>
  /** Commits that this process could not publish when it tried last, and why. */
  readonly stuck?: () => ReadonlyMap<CommitId, string>
}

/** What somebody found out who looked, besides the log. */
export interface ReadinessFindings {
  /** The brokers' newest answer. */
  readonly metadata: MetadataFact | undefined
  /** Published files that are not on the lake as the log says. */
  readonly filesMissing: FilesMissing
  /** Staged paths of others' files that stand published, though the log does not say so. */
  readonly filesStanding?: ReadonlySet<string>
}

/** The facts of this moment, over the state that `log` folded last. */
export function readinessFacts(
  setup: ReadinessSetup,
  log: CommitLog,
  { filesStanding, ...findings }: ReadinessFindings,
): ReadinessFacts {
  const standing = union(setup.standing?.(), filesStanding)
  return {
    pipeline: setup.pipeline,
    lakeUrl: setup.lakeUrl,
    lane: setup.lane,
    commitIntervalMs: setup.commitIntervalMs,
    fold: log.state,
    lakeNowMs: log.lakeNowMs(),
    streams: setup.streams(),
    ends: setup.ends(),
    assigned: setup.assigned(),
    lakeTrouble: setup.lakeTrouble(),
    refused: setup.refused?.() ?? new Map(),
    ...(setup.heldUp && { heldUp: setup.heldUp() }),
    publishedHere: log.publishedHere,
    ...(standing && { standing }),
    stuck: setup.stuck?.() ?? new Map(),
    ...findings,
  }
}

const union = (
  a: ReadonlySet<string> | undefined,
  b: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined =>
  a === undefined || b === undefined ? (a ?? b) : new Set([...a, ...b])

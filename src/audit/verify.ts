/** `verify`: files against log against Kafka, as a list of checks, each of which has a verdict. */
import type { FoldState } from '../model/fold-state.ts'
import type { Lake } from '../ports/lake.ts'
import { type CheckResult, counted, uncheckable } from './check.ts'
import {
  checkAnnouncements,
  checkClosed,
  checkCounts,
  checkEvents,
  checkRanges,
  type RowRule,
} from './commit-checks.ts'
import { DeepChecks } from './deep-checks.ts'
import { checkFiles, checkRows, checkStrays, listTables } from './file-checks.ts'
import { checkKafka, type KafkaAnswer } from './kafka-check.ts'
import { isWhole, type Scope } from './scope.ts'
import { type LogWalk, walkLog } from './walk-log.ts'

export interface VerifyFacts {
  readonly lake: Lake
  readonly pipeline: string
  /** Tables of the log and of the configuration, that of the dead letters included. */
  readonly tables: readonly string[]
  readonly scope: Scope
  readonly isDeep: boolean
  /** Made from the log's configuration and the one at hand. */
  readonly ruleOf: (state: FoldState) => RowRule
  /** Asks the brokers; called after the log was read. */
  readonly askKafka: () => Promise<KafkaAnswer>
  readonly onFile: (done: number, of: number) => void
}

/** @throws {Fault} `LAKE_UNAVAILABLE`, `LAKE_REFUSED`: the lake cannot be read. */
export async function verifyLake(facts: VerifyFacts): Promise<readonly CheckResult[]> {
  const { lake, pipeline, scope } = facts
  // Listed first: a file published in between is then in the log.
  const listed = await listTables(lake, facts.tables)
  const walk = await walkLog(lake, pipeline)
  if (walk.trouble !== undefined) return brokenLog(walk, walk.trouble)
  if (walk.state.next === 0) return [uncheckable('log', 'nothing is committed yet')]
  const rule = facts.ruleOf(walk.state)
  const fileFacts = { lake, walk, scope, listed }
  const { result, files } = await checkFiles(fileFacts)
  const whole = isWhole(scope)
  const shallow = [
    logResult(walk),
    ...(whole ? [checkRanges(walk)] : []),
    checkCounts(walk, scope),
    ...(walk.closed.size > 0 ? [checkClosed(walk)] : []),
    checkEvents(walk, scope, rule),
    result,
    ...(whole ? [checkStrays(fileFacts, pipeline)] : []),
    await checkRows(lake, files),
    checkAnnouncements(walk.state, scope),
    checkKafka(walk.state, await facts.askKafka()),
  ]
  if (!facts.isDeep) return shallow
  const onFile = (done: number): void => facts.onFile(done, files.length)
  const deep = new DeepChecks({ lake, walk, scope, rule, onFile })
  return [...shallow, ...(await deep.run(files))]
}

function logResult({ base, state }: LogWalk): CheckResult {
  const { next, voidCount, unpublished } = state
  const voids = voidCount === 0 ? '' : `, ${voidCount} of them void`
  const open = unpublished.size === 0 ? '' : `, ${counted(unpublished.size, 'commit')} to publish`
  const gone =
    base.next === 0 ? '' : `; those below ${base.next} are deleted: a checkpoint stands for them`
  const detail = `${next} ${next === 1 ? 'entry' : 'entries'}${voids}${open}${gone}`
  return { name: 'log', stream: undefined, state: 'ok', detail, findings: [], findingCount: 0 }
}

/** Nothing can be said of files while the log that names them cannot be read. */
function brokenLog({ state }: LogWalk, trouble: string): readonly CheckResult[] {
  const log: CheckResult = {
    name: 'log',
    stream: undefined,
    state: 'failed',
    detail: `unreadable behind entry ${state.next - 1}`,
    findings: [trouble],
    findingCount: 1,
  }
  const why = 'the log cannot be read to its end'
  return [log, ...['ranges', 'counts', 'files', 'kafka'].map((name) => uncheckable(name, why))]
}

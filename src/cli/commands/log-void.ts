import { present } from '../../base/assert.ts'
import { planStepOver, type StepOverPlan, stepOver } from '../../committer/step-over.ts'
import type { EntryIndex } from '../../model/log-entry.ts'
import {
  type CommandDefinition,
  type ExitCode,
  exitCode,
  type Invocation,
  refusal,
} from '../command.ts'
import { openLakeside, writingOptions } from '../reading.ts'
import { answerRefused, repairOf, repairOptions } from '../repairing.ts'

/** `lakeward log void`: steps over entries that nobody can read. */
export const command: CommandDefinition = {
  arguments: [
    { name: 'entries', description: 'indexes of all unreadable entries: 42,45', required: true },
  ],
  options: repairOptions,
  example: 'lakeward log void 42 --why "the disk lost it; daemons are stopped" --dry-run',
  run: async (invocation) => {
    const indexes = indexesOf(invocation)
    const { isDryRun, why } = repairOf(invocation)
    const options = writingOptions(invocation, await openLakeside(invocation))
    const plan = await planStepOver(options, indexes)
    if (plan.kind !== 'step-over') return answerPlan(invocation, plan)
    if (isDryRun) return answerSteppedOver(invocation, plan, undefined)
    const outcome = await stepOver(options, plan.unreadable, why)
    if (outcome?.kind === 'decided') return answerSteppedOver(invocation, plan, outcome.entry)
    return answerRefused(invocation, outcome?.because ?? 'nothing was put')
  },
}

function indexesOf(invocation: Invocation): readonly EntryIndex[] {
  const given = present(invocation.arguments[0], 'ENTRIES is required')
  const indexes = given.split(',').map((text) => {
    if (!/^\d{1,15}$/.test(text)) throw refusal(invocation, `"${text}" is not an index`)
    return Number(text)
  })
  return [...new Set(indexes)]
}

function answerPlan(
  invocation: Invocation,
  plan: Exclude<StepOverPlan, { kind: 'step-over' }>,
): ExitCode {
  if (plan.kind === 'refuse') return answerRefused(invocation, plan.because)
  invocation.output.answer({ outcome: 'done' }, ['stepped over already'])
  return exitCode.done
}

/** @param notice index of the entry that says so; undefined in a dry run. */
function answerSteppedOver(
  { output }: Invocation,
  plan: Extract<StepOverPlan, { kind: 'step-over' }>,
  notice: EntryIndex | undefined,
): ExitCode {
  const { fallen, next } = plan
  const entries = plan.unreadable.map(({ index, sha256, reason }) => ({ index, sha256, reason }))
  const outcome = notice === undefined ? 'dry-run' : 'stepped-over'
  const done = notice === undefined ? 'would be stepped over' : 'is stepped over'
  output.answer({ outcome, entries, fallen, next, notice }, [
    ...entries.map(({ index, reason }) => `entry ${index} ${done}: ${reason}`),
    ...fallen.map(({ entry, because }) => `entry ${entry} above it is void: ${because}`),
    ...(notice === undefined ? [] : [`the log says so in entry ${notice}`]),
    'what the entries covered is read again; restart every daemon of the pipeline',
  ])
  return exitCode.done
}

import { present } from '../../base/assert.ts'
import { type CutFile, cutBack } from '../../committer/cut-back.ts'
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
    if (plan.kind === 'refuse') return answerRefused(invocation, plan.because)
    if (plan.kind === 'done') return answerDone(invocation, isDryRun ? [] : await cutBack(options))
    if (isDryRun) return answerSteppedOver(invocation, plan, undefined)
    const outcome = await stepOver(options, plan.unreadable, why)
    if (outcome?.kind !== 'decided') {
      return answerRefused(invocation, outcome?.because ?? 'nothing was put')
    }
    return answerSteppedOver(invocation, plan, {
      entry: outcome.entry,
      cut: await cutBack(options),
    })
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

/** Given again it cuts back what grew afterwards: somebody ran who did not know of it. */
function answerDone({ output }: Invocation, cut: readonly CutFile[]): ExitCode {
  output.answer({ outcome: 'done', cut }, ['stepped over already', ...cut.map(toldOfCut)])
  return exitOf(cut)
}

/** @param done the entry that says so, and what was cut back; undefined in a dry run. */
function answerSteppedOver(
  { output }: Invocation,
  plan: Extract<StepOverPlan, { kind: 'step-over' }>,
  done: { readonly entry: EntryIndex; readonly cut: readonly CutFile[] } | undefined,
): ExitCode {
  const { fallen, longer, next } = plan
  const entries = plan.unreadable.map(({ index, sha256, reason }) => ({ index, sha256, reason }))
  const outcome = done === undefined ? 'dry-run' : 'stepped-over'
  const verb = done === undefined ? 'would be stepped over' : 'is stepped over'
  const cut = done?.cut ?? longer.map((file) => ({ ...file, kind: 'would-be-cut' as const }))
  output.answer({ outcome, entries, fallen, next, notice: done?.entry, cut }, [
    ...entries.map(({ index, reason }) => `entry ${index} ${verb}: ${reason}`),
    ...fallen.map(({ entry, because }) => `entry ${entry} above it is void: ${because}`),
    ...(done === undefined ? [] : [`the log says so in entry ${done.entry}`]),
    ...cut.map(toldOfCut),
    'what the entries covered is read again; restart every daemon of the pipeline',
  ])
  return exitOf(done?.cut ?? [])
}

type Told = Omit<CutFile, 'kind'> & { readonly kind: CutFile['kind'] | 'would-be-cut' }

function toldOfCut({ kind, path, sizeBytes, foundBytes }: Told): string {
  const name = `file "${path}" of ${foundBytes} bytes`
  const back = `cut back to the ${sizeBytes} that the log says`
  switch (kind) {
    case 'cut':
      return `${name} is ${back}; the rest lies in quarantine`
    case 'would-be-cut':
      return `${name} would be ${back}`
    case 'kept':
      return `${name} is left alone: it does not begin with the ${sizeBytes} that the log says`
  }
}

const exitOf = (cut: readonly CutFile[]): ExitCode =>
  cut.some(({ kind }) => kind === 'kept') ? exitCode.failed : exitCode.done

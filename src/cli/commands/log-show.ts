import { openBase, type WalkedEntry, walkEntries } from '../../audit/walk-log.ts'
import { present } from '../../base/assert.ts'
import { isoOf } from '../../base/time.ts'
import { entryPath } from '../../protocol/log-paths.ts'
import { type CommandDefinition, configOption, exitCode, refusal, shardOption } from '../command.ts'
import type { Paint } from '../output.ts'
import { openLakeside } from '../reading.ts'

/** `lakeward log show`: one entry whole, and what it came to. */
export const command: CommandDefinition = {
  arguments: [{ name: 'entry', description: 'its index, from 0', required: true }],
  options: [configOption, shardOption],
  example: 'lakeward log show 42',
  run: async (invocation) => {
    const given = present(invocation.arguments[0], 'ENTRY is required')
    if (!/^\d{1,15}$/.test(given)) throw refusal(invocation, `"${given}" is not an index`)
    const { config, lake } = await openLakeside(invocation)
    const wanted = Number(given)
    const base = await openBase(lake, config.pipeline)
    let { next } = base
    for await (const walked of walkEntries(lake, config.pipeline, base)) {
      next = walked.index + 1
      if (walked.index !== wanted) continue
      const path = entryPath(config.pipeline, wanted)
      invocation.output.answer(
        { index: wanted, path, verdict: walked.verdict, entry: walked.entry },
        showLines(walked, path, invocation.output.paint),
      )
      return exitCode.done
    }
    const deleted = `entry ${wanted} is deleted, the log is there from entry ${base.next} on`
    const why = `the log has entries up to ${next - 1}, none ${wanted}`
    const absent = next === 0 ? 'the log has no entries' : why
    const none = wanted < base.next ? deleted : absent
    invocation.output.answer({ index: wanted, why: none }, [none])
    return exitCode.failed
  },
}

function showLines(walked: WalkedEntry, path: string, paint: Paint): readonly string[] {
  const { index, entry, verdict } = walked
  const outcome =
    verdict.kind === 'decided' ? paint.green('decided') : paint.red(`void: ${verdict.because}`)
  const text = JSON.stringify(
    entry,
    (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part),
    2,
  )
  return [`entry ${index} ${entry.kind}, ${outcome}, ${isoOf(entry.stagedAtMs)}`, path, text]
}

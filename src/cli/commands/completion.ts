import type { CommandDefinition } from '../command.ts'
import { exitCode, refusal } from '../command.ts'
import { commandTable } from '../command-table.ts'
import { type CompletedCommand, completionScript, isShell, shells } from '../completion.ts'

/** `lakeward completion SHELL`: a script for the shell's own completion. */
export const command: CommandDefinition = {
  arguments: [{ name: 'shell', description: shells.join(', '), required: true }],
  example: 'source <(lakeward completion bash)',
  run: async (invocation) => {
    const shell = invocation.arguments[0] ?? ''
    if (!isShell(shell)) {
      throw refusal(invocation, `"${shell}" is no known shell; accepted: ${shells.join(', ')}`)
    }
    const script = completionScript(shell, await completedCommands())
    invocation.output.answer({ shell, script }, [script])
    return exitCode.done
  },
}

/** Every command that is built, with the long form of its options. */
async function completedCommands(): Promise<readonly CompletedCommand[]> {
  const built = commandTable.flatMap(({ words, summary, load }) =>
    load === undefined ? [] : [{ words, summary, load }],
  )
  return Promise.all(
    built.map(async ({ words, summary, load }) => {
      const { options = [] } = (await load()).command
      const own = options.flatMap(({ flags }) => /--[a-z-]+/.exec(flags)?.[0] ?? [])
      return { words, summary, options: [...own, '--json', '--help'] }
    }),
  )
}

/** From the words of a command line to a command, and from what it throws to an exit code. */
import { Command, CommanderError, Option } from 'commander'
import { present } from '../base/assert.ts'
import { notSupported } from '../base/config-value.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import {
  type CommandDefinition,
  type ExitCode,
  exitCode,
  type Invocation,
  refusal,
} from './command.ts'
import { type CommandEntry, commandGroups, commandTable } from './command-table.ts'
import { outputOn, paintOf, type Terminal } from './output.ts'
import { troubleJson, troubleLines, troubleOf } from './trouble.ts'

/** What a command line is run in. */
export interface Surroundings {
  readonly terminal: Terminal
  readonly files: ConfigFiles
  readonly stopSignal: () => AbortSignal
  /** Of lakeward: "0.1.0". */
  readonly version: string
}

/**
 * Runs one command line to its end; nothing is thrown.
 * @param words what follows `lakeward`.
 */
export async function runCommandLine(
  words: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal } = surroundings
  const isJson = words.includes('--json')
  try {
    return await dispatch(words, surroundings)
  } catch (error) {
    if (error instanceof CommanderError && helpWasShown.has(error.code)) {
      return error.exitCode === 0 ? exitCode.done : exitCode.refused
    }
    const trouble = troubleOf(error)
    if (isJson) terminal.writeOut(`${troubleJson(trouble)}\n`)
    else terminal.writeError(`${troubleLines(trouble, paintOf(terminal.isColoured)).join('\n')}\n`)
    return trouble.exit
  }
}

/** Ends of a command line that are no error, or have said all there is to say. */
const helpWasShown: ReadonlySet<string> = new Set([
  'commander.help',
  'commander.helpDisplayed',
  'commander.version',
])

async function dispatch(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const called = entryOf(words)
  const definition = (await called?.load?.())?.command
  let exit: ExitCode = exitCode.done
  const program = emptyProgram(surroundings)
  const groups = new Map<string, Command>()
  for (const entry of commandTable) {
    const leaf = addLeaf(entry, { program, groups })
    if (entry.load === undefined) refuseByName(leaf, entry)
    if (entry !== called || definition === undefined) continue
    addDefinition(leaf, definition)
    leaf.action(async () => {
      const { args, processedArgs } = leaf
      const given = (processedArgs.length > 0 ? processedArgs : args) as (string | undefined)[]
      exit = await definition.run(invocationOf(entry, { leaf, definition, given, surroundings }))
    })
  }
  if (words.length === 0) program.help({ error: true })
  await program.parseAsync([...words], { from: 'user' })
  return exit
}

/** The entry with most words that the command line begins with; options are skipped. */
export function entryOf(words: readonly string[]): CommandEntry | undefined {
  const plain = words.filter((word) => !word.startsWith('-'))
  const [first, ...rest] = plain
  const [one, two] = first === 'help' ? rest : plain
  return (
    commandTable.find((entry) => entry.words === `${one} ${two}`) ??
    commandTable.find((entry) => entry.words === one)
  )
}

function emptyProgram({ terminal, version }: Surroundings): Command {
  return new Command('lakeward')
    .description('Kafka to the data lake, exactly once, and says with proof what is complete.')
    .version(version)
    .option('--json', 'answer with one JSON object')
    .addHelpText('after', exampleText('lakeward check -c config/lakeward.yaml'))
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: terminal.writeOut,
      writeErr: terminal.writeError,
      outputError: () => undefined,
    })
    .exitOverride()
}

interface Tree {
  readonly program: Command
  readonly groups: Map<string, Command>
}

function addLeaf({ words, summary, load }: CommandEntry, { program, groups }: Tree): Command {
  const [first = '', second] = words.split(' ')
  const shown = load === undefined ? `${summary} (${notSupported})` : summary
  if (second === undefined) return program.command(first).description(shown)
  const group = groups.get(first) ?? addGroup(first, program)
  groups.set(first, group)
  return group.command(second).description(shown)
}

function addGroup(word: string, program: Command): Command {
  const { summary, example } = present(commandGroups[word], `the group "${word}" is described`)
  const group = program.command(word).description(summary)
  return group.addHelpText('after', exampleText(example))
}

const exampleText = (example: string): string => `\nExample:\n  ${example}`

function refuseByName(leaf: Command, { words }: CommandEntry): void {
  leaf.allowUnknownOption().allowExcessArguments()
  leaf.action(() => {
    throw refusal({ command: words }, notSupported)
  })
}

function addDefinition(leaf: Command, definition: CommandDefinition): void {
  for (const { name, description, required } of definition.arguments ?? []) {
    leaf.argument(required === true ? `<${name}>` : `[${name}]`, description)
  }
  for (const option of definition.options ?? []) {
    const added = new Option(option.flags, option.description)
    leaf.addOption(option.default === undefined ? added : added.default(option.default))
  }
  leaf.addHelpText('after', exampleText(definition.example))
}

interface Call {
  readonly leaf: Command
  readonly definition: CommandDefinition
  readonly given: readonly (string | undefined)[]
  readonly surroundings: Surroundings
}

function invocationOf({ words }: CommandEntry, call: Call): Invocation {
  const { leaf, definition, given, surroundings } = call
  const { terminal, files, stopSignal } = surroundings
  const place = definition.arguments?.findIndex(({ name }) => name === 'stream') ?? -1
  const options: Readonly<Record<string, unknown>> = leaf.optsWithGlobals()
  return {
    command: words,
    arguments: given,
    stream: given[place],
    options,
    output: outputOn(terminal, options['json'] === true),
    files,
    stopSignal,
  }
}

/**
 * What a command is. One file for each in `commands/`, one line for each in `command-table.ts`.
 *
 *     export const command: CommandDefinition = {
 *       options: [configOption],
 *       example: 'lakeward status app_events',
 *       run: async (invocation) => { … return exitCode.done },
 *     }
 */
import { Fault } from '../base/fault.ts'
import type { DurationMs } from '../base/time.ts'
import { parseDuration } from '../base/units.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { Output } from './output.ts'

/** What a process tells who started it. */
export const exitCode = {
  /** Done, or the verdict is positive. */
  done: 0,
  /** Failed, or the verdict is negative. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  refused: 2,
  /** Something outside cannot be reached. */
  unreachable: 3,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

interface CommandArgument {
  /** As shown: "STREAM". */
  readonly name: string
  readonly description: string
  /** Left out: an optional argument. */
  readonly required?: true
}

export interface CommandOption {
  /** As in help: "-c, --config <file>"; without `<…>` a flag. */
  readonly flags: string
  readonly description: string
  readonly default?: string
}

export interface CommandDefinition {
  readonly arguments?: readonly CommandArgument[]
  readonly options?: readonly CommandOption[]
  /** One line that works as it stands. */
  readonly example: string
  readonly run: (invocation: Invocation) => Promise<ExitCode>
}

/** One call of a command. */
export interface Invocation {
  /** "ready ls" */
  readonly command: string
  /** As many as the definition has; optional ones may be undefined. */
  readonly arguments: readonly (string | undefined)[]
  /** The argument STREAM, where the command has one and it is given. */
  readonly stream?: string | undefined
  /** By the long name in camel case: "--exit-when-ready" is `exitWhenReady`. */
  readonly options: Readonly<Record<string, unknown>>
  readonly output: Output
  readonly files: ConfigFiles
  /**
   * Aborted at the first SIGINT or SIGTERM; a second one ends the process at once. Until a command
   * asks for it, signals end the process as usual.
   */
  readonly stopSignal: () => AbortSignal
}

/** The option of every command that reads a configuration. */
export const configOption: CommandOption = {
  flags: '-c, --config <file>',
  description: 'the configuration',
  default: 'lakeward.yaml',
}

/** The option of commands about one log, where a pipeline has several. */
export const shardOption: CommandOption = {
  flags: '--shard <name>',
  description: 'this shard of the log, as log.shards names it; "first" for the first log',
}

/** The value of an option that has a default. */
export function textOption(invocation: Invocation, name: string): string {
  const value = optionalText(invocation, name)
  if (value !== undefined) return value
  throw refusal(invocation, `--${dashed(name)} is missing`)
}

/** The value of an option that may be left out. */
export function optionalText({ options }: Invocation, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** True when a flag is given. */
export const flagOption = ({ options }: Invocation, name: string): boolean => options[name] === true

/** A whole number, 0 or more, that may be left out. */
export function countOption(invocation: Invocation, name: string): number | undefined {
  const given = optionalText(invocation, name)
  if (given === undefined) return undefined
  if (/^\d{1,9}$/.test(given)) return Number(given)
  throw refusal(invocation, `--${dashed(name)}: "${given}" is not a whole number`)
}

/** A span of time that may be left out. */
export function durationOption(invocation: Invocation, name: string): DurationMs | undefined {
  const given = optionalText(invocation, name)
  if (given === undefined) return undefined
  const span = parseDuration(given)
  if (span !== undefined) return span
  throw refusal(invocation, `--${dashed(name)}: "${given}" has no unit; accepted: 500ms, 60s, 5m`)
}

/** The command line is wrong in a way that only the command sees. */
export const refusal = ({ command }: Pick<Invocation, 'command'>, reason: string): Fault =>
  new Fault('COMMAND_REFUSED', { command, reason })

const dashed = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

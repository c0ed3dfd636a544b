import { CommanderError } from 'commander'
import { Fault, isFault } from '../base/fault.ts'
import { type ExitCode, exitCode } from './command.ts'
import { jsonText, type Paint } from './output.ts'

/** A thrown error as a person or a script must see it. */
export interface Trouble {
  readonly exit: ExitCode
  /** Fault code, or "USAGE" for the command line, or "INTERNAL" for a bug of ours. */
  readonly code: string
  readonly message: string
  readonly details: readonly string[]
  readonly hint: string
}

/** What to say about an error, and with which exit code. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof CommanderError) return usageTrouble(error)
  if (isFault(error, 'CONFIG_REFUSED')) {
    const { file, problems } = error.facts
    const message = `configuration "${file}" is refused`
    return { ...faultTrouble(error), message, details: problems }
  }
  if (error instanceof Fault) return faultTrouble(error)
  return {
    exit: exitCode.failed,
    code: 'INTERNAL',
    message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    details: error instanceof Error ? (error.stack ?? '').split('\n').slice(1) : [],
    hint: 'This is a bug of lakeward: please report it with these lines.',
  }
}

function usageTrouble(error: CommanderError): Trouble {
  const [message = '', ...details] = error.message.replace(/^error: /, '').split('\n')
  const hint =
    'Run "lakeward --help" for the commands, and a command with --help for what it takes.'
  return { exit: exitCode.refused, code: 'USAGE', message, details, hint }
}

function faultTrouble(error: Fault): Trouble {
  const cause = error.cause instanceof Error ? [`caused by ${error.cause.message}`] : []
  return {
    exit: exitOf(error),
    code: error.code,
    message: error.message,
    details: cause,
    hint: error.hint,
  }
}

/** What concerns the user is refused; what a later try may mend is outside and away. */
export function exitOf(fault: Fault): ExitCode {
  if (fault.domain === 'user') return exitCode.refused
  return fault.retry === 'backoff' ? exitCode.unreachable : exitCode.failed
}

/** Message, one line for each detail, hint. */
export function troubleLines(trouble: Trouble, paint: Paint): readonly string[] {
  return [
    `${paint.red('error:')} ${trouble.message}`,
    ...trouble.details.map((detail) => `  ${detail.trim()}`),
    `${paint.dim('hint:')} ${trouble.hint}`,
  ]
}

/** The same for machines. */
export function troubleJson({ code, message, details, hint }: Trouble): string {
  return jsonText({ error: { code, message, details, hint } })
}

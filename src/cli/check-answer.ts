import type { CheckResult } from '../audit/check.ts'
import { type ExitCode, exitCode, type Invocation } from './command.ts'
import { alignedRows, type Paint } from './output.ts'

/** Answers with checks and their verdict: what could not be looked at counts as no. */
export function answerChecks(
  { output }: Pick<Invocation, 'output'>,
  checks: readonly CheckResult[],
  isUncheckedAllowed: boolean,
): ExitCode {
  const verdict = verdictOf(checks)
  output.answer({ verdict, checks }, checkLines(checks, output.paint))
  if (verdict === 'ok') return exitCode.done
  return verdict === 'not-checkable' && isUncheckedAllowed ? exitCode.done : exitCode.failed
}

/** The gravest state of all. */
export function verdictOf(checks: readonly CheckResult[]): CheckResult['state'] {
  if (checks.some(({ state }) => state === 'failed')) return 'failed'
  return checks.some(({ state }) => state === 'not-checkable') ? 'not-checkable' : 'ok'
}

const stateNames = { ok: 'ok', failed: 'failed', 'not-checkable': 'not checkable' } as const

/** One line for each check, and what it found below it. */
export function checkLines(checks: readonly CheckResult[], paint: Paint): readonly string[] {
  const rows = alignedRows(
    checks.map(({ name, stream, state, detail }) => {
      const about = stream === undefined ? name : `${name} ${stream}`
      const separator = state === 'not-checkable' ? ': ' : '  '
      return [about, `${stateNames[state]}${separator}${detail}`]
    }),
  )
  const ink = { ok: paint.green, failed: paint.red, 'not-checkable': paint.yellow }
  return checks.flatMap(({ state, findings, findingCount }, index) => {
    const left = findingCount - findings.length
    return [
      ink[state](rows[index] ?? ''),
      ...findings.map((finding) => `    ${finding}`),
      ...(left > 0 ? [`    and ${left} more`] : []),
    ]
  })
}

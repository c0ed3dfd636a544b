/** Where a contract suite's cases go: to vitest, or into a list that somebody runs one by one. */
import { afterEach, beforeEach, describe, test } from 'vitest'

type Work = () => Promise<void> | void

/** What suites use of vitest. */
export interface Suite {
  readonly describe: (name: string, body: () => void) => void
  readonly test: (name: string, work: Work) => void
  readonly beforeEach: (work: Work) => void
  readonly afterEach: (work: Work) => void
}

export const vitestSuite: Suite = { describe, test, beforeEach, afterEach }

/** For cases that share nothing: they run beside each other. */
export const concurrentSuite: Suite = {
  ...vitestSuite,
  test: (name, work) => test.concurrent(name, () => work()),
}

export interface ContractCase {
  readonly name: string
  /** Alone, with what stands before and after each. @throws {Error} an expectation fails. */
  readonly run: () => Promise<void>
}

/** Of a suite's cases those that are named. @throws {Error} a name that no case has. */
export function registerSome(
  names: readonly string[],
  register: (suite: Suite) => void,
  suite: Suite = vitestSuite,
): void {
  const known = new Set(casesOf(register).map(({ name }) => name))
  const strange = names.filter((name) => !known.has(name))
  if (strange.length > 0) throw new Error(`no case is called "${strange.join('", "')}"`)
  register({
    ...suite,
    test: (name, work) => {
      if (names.includes(name)) suite.test(name, work)
    },
  })
}

/** The cases of a suite, in order. @param register hands its cases to the suite it is given. */
export function casesOf(register: (suite: Suite) => void): readonly ContractCase[] {
  const cases: ContractCase[] = []
  const befores: Work[] = []
  const afters: Work[] = []
  register({
    describe: (_name, body) => body(),
    beforeEach: (work) => void befores.push(work),
    afterEach: (work) => void afters.push(work),
    test: (name, work) => {
      const run = async (): Promise<void> => {
        for (const before of befores) await before()
        try {
          await work()
        } finally {
          for (const after of afters) await after()
        }
      }
      cases.push({ name, run })
    },
  })
  return cases
}

/** Names of the cases that fail. */
export async function failuresOf(cases: readonly ContractCase[]): Promise<readonly string[]> {
  const failed: string[] = []
  for (const { name, run } of cases) {
    try {
      await run()
    } catch {
      failed.push(name)
    }
  }
  return failed
}

/** The same, of cases that share nothing: they run beside each other. */
export async function failuresTogether(cases: readonly ContractCase[]): Promise<readonly string[]> {
  const ended = await Promise.allSettled(cases.map(({ run }) => run()))
  return cases.filter((_, at) => ended[at]?.status === 'rejected').map(({ name }) => name)
}

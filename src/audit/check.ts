/** What one look at the lake came to. Nothing that could not be looked at is called right. */
type CheckState = 'ok' | 'failed' | 'not-checkable'

export interface CheckResult {
  /** Stable name: "files", "duplicates". */
  readonly name: string
  /** The stream it is about; undefined where it is about all. */
  readonly stream: string | undefined
  readonly state: CheckState
  /** What was looked at, or why it could not be. */
  readonly detail: string
  /** The first of what is wrong, at most `findingsKeptMax`. */
  readonly findings: readonly string[]
  readonly findingCount: number
}

/** Findings that a check keeps by name; all are counted. */
export const findingsKeptMax = 20

/** A check under way: what is wrong is told as it is found. */
export class Check {
  readonly #name: string
  readonly #stream: string | undefined
  readonly #findings: string[] = []
  #findingCount = 0
  #unchecked: string | undefined

  constructor(name: string, stream?: string) {
    this.#name = name
    this.#stream = stream
  }

  fail(finding: string): void {
    this.#findingCount += 1
    if (this.#findings.length < findingsKeptMax) this.#findings.push(finding)
  }

  /** Something could not be looked at. The first reason is the one told. */
  uncheckable(why: string): void {
    this.#unchecked ??= why
  }

  /** False once something could not be looked at: a finding would say too much. */
  get isOpen(): boolean {
    return this.#unchecked === undefined
  }

  /** @param looked what was looked at: "120 files, 3400 rows". */
  result(looked: string): CheckResult {
    const failed = this.#findingCount > 0
    const unchecked = this.#unchecked
    const state = failed ? 'failed' : unchecked === undefined ? 'ok' : 'not-checkable'
    return {
      name: this.#name,
      stream: this.#stream,
      state,
      detail: failed ? `${this.#findingCount} wrong; ${looked}` : (unchecked ?? looked),
      findings: this.#findings,
      findingCount: this.#findingCount,
    }
  }
}

/** A check that could not even begin. */
export function uncheckable(name: string, why: string): CheckResult {
  const check = new Check(name)
  check.uncheckable(why)
  return check.result('')
}

/** "1 file", "3 files" */
export const counted = (count: number | bigint, noun: string): string =>
  `${count} ${noun}${count === 1 || count === 1n ? '' : 's'}`

/**
 * What of the sources no test has taken, read from the coverage that vitest writes.
 *
 * A branch is one way on of an `if`, a `switch`, a conditional expression or a default; a function
 * is one that nobody called.
 */
interface Span {
  readonly start: { readonly line?: number }
}

interface Branch {
  readonly type: string
  readonly loc: Span
  /** One for each way on; that of an `else` which is not written has no lines. */
  readonly locations: readonly Span[]
}

/** Of one file, in the form of `coverage-final.json`. */
export interface FileCoverage {
  readonly branchMap: Readonly<Record<string, Branch>>
  /** How often each way on was taken. */
  readonly b: Readonly<Record<string, readonly number[]>>
  readonly fnMap: Readonly<Record<string, { readonly name: string; readonly loc: Span }>>
  readonly f: Readonly<Record<string, number>>
}

export interface Untaken {
  /** From 1. */
  readonly line: number
  /** "if, way 2", "function readyOf" */
  readonly what: string
}

/** In the order of the lines. */
export function untakenIn({ branchMap, b, fnMap, f }: FileCoverage): readonly Untaken[] {
  const found: Untaken[] = []
  for (const [id, { type, loc, locations }] of Object.entries(branchMap)) {
    for (const [way, count] of (b[id] ?? [0]).entries()) {
      if (count > 0) continue
      const line = locations[way]?.start.line ?? loc.start.line ?? 0
      found.push({ line, what: `${type}, way ${way + 1}` })
    }
  }
  for (const [id, { name, loc }] of Object.entries(fnMap)) {
    if ((f[id] ?? 0) === 0) found.push({ line: loc.start.line ?? 0, what: `function ${name}` })
  }
  return found.sort((one, other) => one.line - other.line)
}

/** Where a process writes: its standard streams, or a test's. */
export interface Terminal {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  /** A person sees standard output, with colours. */
  readonly isColoured: boolean
  /** A person sees standard error: progress may be redrawn. */
  readonly isInteractive: boolean
}

/** How a command answers. Answers go to standard output, progress and logs to standard error. */
export interface Output {
  /** True with `--json`. */
  readonly isJson: boolean
  readonly isInteractive: boolean
  readonly paint: Paint
  /** The answer: one JSON object for machines, or lines for people. */
  answer(value: unknown, lines: readonly string[]): void
  /** A line for people while the work goes on; on standard error. */
  progress(line: string): void
}

/** Colours, which leave a text as it is where there are none. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

const ink =
  (isColoured: boolean, code: number) =>
  (text: string): string =>
    isColoured ? `\u001b[${code}m${text}\u001b[0m` : text

/** @param isColoured false where colours would be read as text. */
export function paintOf(isColoured: boolean): Paint {
  return {
    bold: ink(isColoured, 1),
    dim: ink(isColoured, 2),
    red: ink(isColoured, 31),
    green: ink(isColoured, 32),
    yellow: ink(isColoured, 33),
  }
}

export function outputOn(terminal: Terminal, isJson: boolean): Output {
  return {
    isJson,
    isInteractive: terminal.isInteractive,
    paint: paintOf(terminal.isColoured && !isJson),
    answer: (value, lines) => {
      const text = isJson ? jsonText(value) : lines.join('\n')
      if (text !== '') terminal.writeOut(`${text}\n`)
    },
    progress: (line) => terminal.writeError(`${line}\n`),
  }
}

/** JSON on one line; 64-bit numbers are text, since they can pass 2^53. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? part.toString() : part,
  )
}

/** Columns of text, each as wide as its widest cell; the last one is not filled up. */
export function alignedRows(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Command lines run in this process, on real files: quicker than a process for each. */
import { LocalConfigFiles } from '../../src/adapters/local/config-files.ts'
import { runCommandLine } from '../../src/cli/program.ts'

export interface Ended {
  readonly exit: number
  readonly out: string
  readonly error: string
}

/** @param words of one command line, without `lakeward`. */
export async function commandLine(words: readonly string[]): Promise<Ended> {
  const [out, error]: [string[], string[]] = [[], []]
  const exit = await runCommandLine(words, {
    terminal: {
      writeOut: (text) => void out.push(text),
      writeError: (text) => void error.push(text),
      isColoured: false,
      isInteractive: false,
    },
    files: new LocalConfigFiles(),
    stopSignal: () => new AbortController().signal,
    version: '1.2.3',
  })
  return { exit, out: out.join(''), error: error.join('') }
}

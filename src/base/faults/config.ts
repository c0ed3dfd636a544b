import type { FaultTable } from './definition.ts'

/** What can be wrong with configuration and the command line. */
export const configFaults = {
  CONFIG_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { file: string; problems: readonly string[] }) =>
      `configuration "${f.file}" is refused: ${f.problems.join('; ')}`,
    hint: 'Each problem names the path of its key and what is accepted; see docs/config.md.',
  },
  CONFIG_UNREADABLE: {
    domain: 'user',
    retry: 'never',
    message: (f: { file: string; reason: string }) =>
      `could not read configuration "${f.file}": ${f.reason}`,
    hint: 'Check the path given with -c and the permissions of the file.',
  },
} as const satisfies FaultTable

import type { FaultTable } from './definition.ts'

/** What can be wrong with the commit log itself. */
export const logFaults = {
  LOG_ENTRY_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; reason: string }) =>
      `commit log entry "${f.path}" is unreadable: ${f.reason}`,
    hint: 'Restore the object from a copy of the lake; nothing goes on past an unreadable entry.',
  },
  LOG_FORMAT_TOO_NEW: {
    domain: 'user',
    retry: 'never',
    message: (f: { path: string; format: number; newestKnown: number }) =>
      `log entry "${f.path}" has format ${f.format}, this version knows up to ${f.newestKnown}`,
    hint: 'Upgrade this daemon to the version of the others.',
  },
} as const satisfies FaultTable

import type { FaultTable } from './definition.ts'

/** What can go wrong between us and the lake's storage. The effect of a failed call is unknown. */
export const lakeFaults = {
  LAKE_UNAVAILABLE: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { operation: string; path: string; reason: string }) =>
      `could not ${f.operation} "${f.path}": ${f.reason}`,
    hint: 'Check the storage; lakeward goes on trying and reads no further than its memory allows.',
  },
  LAKE_REFUSED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { operation: string; path: string; reason: string }) =>
      `the lake refused to ${f.operation} "${f.path}": ${f.reason}`,
    hint: 'Grant write permission or make room on the lake; nothing is lost meanwhile.',
  },
  LAKE_FILE_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; reason: string }) =>
      `file "${f.path}" of the lake cannot be read: ${f.reason}`,
    hint: 'Run "lakeward verify --deep" to see what else is damaged, and restore it from a copy.',
  },
} as const satisfies FaultTable

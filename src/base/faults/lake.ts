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
} as const satisfies FaultTable

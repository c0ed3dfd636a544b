import type { FaultTable } from './definition.ts'

/** What can go wrong when an announcement is delivered. */
export const notifyFaults = {
  NOTIFY_FAILED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { target: string; manifestId: string; reason: string }) =>
      `could not deliver "${f.manifestId}" to "${f.target}": ${f.reason}`,
    hint: 'Check the receiver; the announcement is kept in the log and delivered again.',
  },
} as const satisfies FaultTable

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
  NOTIFY_CERTIFICATE_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { target: string; reason: string }) =>
      `certificates for "${f.target}" cannot be used: ${f.reason}`,
    hint: 'Give PEM text: of the authority in tls.ca, of us in tls.certificate and tls.key.',
  },
  NOTIFY_TARGET_PENDING: {
    domain: 'user',
    retry: 'never',
    message: (f: { target: string; pendingCount: number; oldest: string }) =>
      `target "${f.target}" is not configured, and ${f.pendingCount} announcements wait for it ` +
      `since ${f.oldest}`,
    hint: 'Configure the target again until all are delivered, or start once with --drop-pending.',
  },
} as const satisfies FaultTable

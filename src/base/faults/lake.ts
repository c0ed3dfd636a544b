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
  LAKE_BUCKET_MISSING: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { bucket: string; endpoint: string }) =>
      `there is no bucket "${f.bucket}" at "${f.endpoint}"`,
    hint: 'Create the bucket, or correct lake.url or lake.endpoint.',
  },
  LAKE_CREDENTIALS_REFUSED: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { operation: string; path: string; bucket: string; reason: string }) =>
      `could not ${f.operation} "${f.path}" in bucket "${f.bucket}" as this user: ${f.reason}`,
    hint: 'Correct lake.credentials, or what the environment gives to the AWS SDK.',
  },
  LAKE_USER_REFUSED: {
    domain: 'user',
    retry: 'backoff',
    message: (f: {
      operation: string
      path: string
      address: string
      user: string
      reason: string
    }) => `could not ${f.operation} "${f.path}" on "${f.address}" as user "${f.user}": ${f.reason}`,
    hint: 'Correct lake.hdfs: user, token, or for Kerberos the keytab of KRB5_CLIENT_KTNAME.',
  },
  LAKE_REGION_WRONG: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { bucket: string; region: string; bucketRegion: string }) =>
      `bucket "${f.bucket}" is in "${f.bucketRegion}", and was asked for in "${f.region}"`,
    hint: 'Set lake.region to the region of the bucket.',
  },
  LAKE_RULE_ENDS_UPLOADS: {
    domain: 'user',
    retry: 'never',
    message: (f: { lake: string; rule: string }) =>
      `the storage of "${f.lake}" ends what is to be published: ${f.rule}`,
    hint:
      'Let the rule leave open uploads for seven days, or give it a prefix that holds no table. ' +
      'A decided file is an open upload for as long as its writer is away.',
  },
  LAKE_CLOCK_SKEWED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { operation: string; path: string; endpoint: string; serverTime: string }) =>
      `could not ${f.operation} "${f.path}": ` +
      `"${f.endpoint}" has ${f.serverTime}, far from our time`,
    hint: 'Set the clock of this machine, or of the storage, by a time server.',
  },
  LAKE_NOT_CONDITIONAL: {
    domain: 'user',
    retry: 'never',
    message: (f: { endpoint: string; racers: number; winners: string }) =>
      `"${f.endpoint}" does not honour conditional writes: ` +
      `of ${f.racers} racing puts, three times, ${f.winners} won instead of 1`,
    hint: 'Choose a storage that honours "If-None-Match: *", or a lake of files: the log needs it.',
  },
  LAKE_FILE_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; reason: string }) =>
      `file "${f.path}" of the lake cannot be read: ${f.reason}`,
    hint: 'Run "lakeward verify --deep" to see what else is damaged, and restore it from a copy.',
  },
} as const satisfies FaultTable

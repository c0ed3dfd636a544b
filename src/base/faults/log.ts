import type { FaultTable } from './definition.ts'

/** What can be wrong with the commit log itself. */
export const logFaults = {
  LOG_ENTRY_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; reason: string }) =>
      `log entry "${f.path}" is unreadable: ${f.reason}`,
    hint: 'Restore the object from a copy of the lake, or see "lakeward log void --help".',
  },
  LOG_ENTRY_VOIDED: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; entry: number; notice: number }) =>
      `log entry ${f.entry} was read here, and entry ${f.notice} says that "${f.path}" is void`,
    hint: 'Start the process again; if it stops again, remove the checkpoints above the entry.',
  },
  LOG_FORMAT_TOO_NEW: {
    domain: 'user',
    retry: 'never',
    message: (f: { path: string; format: number; newestKnown: number }) =>
      `"${f.path}" of the log has format ${f.format}, this version knows up to ${f.newestKnown}`,
    hint: 'Upgrade this daemon to the version of the others.',
  },
  LOG_CHECKPOINT_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; reason: string }) =>
      `checkpoint "${f.path}" is unreadable: ${f.reason}`,
    hint: 'Restore it from a copy of the lake; while all log entries stand, removing it will do.',
  },
  LOG_LIST_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; reason: string }) =>
      `list "${f.path}" of a closed partition is unreadable: ${f.reason}`,
    hint: 'Restore it from a copy of the lake; only questions about this partition need it.',
  },
  LOG_JOURNAL_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; reason: string }) =>
      `journal "${f.path}" of a staged commit is unreadable: ${f.reason}`,
    hint: 'What it names is left; look for its commit in "lakeward log ls" before removing it.',
  },
  LOG_FILE_GONE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; stagedPath: string; entry: number }) =>
      `file "${f.path}" of log entry ${f.entry} is gone, and so is "${f.stagedPath}"`,
    hint: 'Restore one of the two from a copy of the lake, or see "lakeward log refill --help".',
  },
  LOG_FILE_MISMATCH: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string; sizeBytes: number; foundBytes: number; entry: number }) =>
      `file "${f.path}" has ${f.foundBytes} bytes, log entry ${f.entry} says ${f.sizeBytes}`,
    hint:
      'Find out who wrote it and restore it from a copy; its partition waits for it. ' +
      'One that grew by an entry stepped over: stop the daemons, give "lakeward log void" again.',
  },
  CONFIG_CONFLICT: {
    domain: 'user',
    retry: 'never',
    message: (f: { pipeline: string; ownChecksum: string; logChecksum: string }) =>
      `configuration of pipeline "${f.pipeline}" has checksum ${f.ownChecksum}, ` +
      `the one in force by its log has ${f.logChecksum}`,
    hint: 'Give all daemons of the pipeline the same files, then start this one again.',
  },
  LOG_SHARD_TAKEN: {
    domain: 'user',
    retry: 'never',
    message: (f: {
      kind: 'topic' | 'stream'
      name: string
      pipeline: string
      configured: string
      taken: string
    }) =>
      `${f.kind} "${f.name}" of pipeline "${f.pipeline}" is configured in the shard ` +
      `"${f.configured}" of the log, and the shard "${f.taken}" has begun it`,
    hint:
      'Put it back under "log.shards" where it was (the shard "first" is named by nobody); ' +
      'another shard gets a topic and a stream of other names.',
  },
  LOG_CLAIM_UNREADABLE: {
    domain: 'external',
    retry: 'never',
    message: (f: { path: string }) =>
      `"${f.path}" does not say which shard of the log it claims something for`,
    hint: 'Restore it from a copy of the lake; "lakeward source ls" tells what each shard reads.',
  },
  LOG_SHARDS_MISSING: {
    domain: 'user',
    retry: 'never',
    message: (f: { pipeline: string; shards: readonly string[] }) =>
      `the log of pipeline "${f.pipeline}" has the shards "${f.shards.join('", "')}", ` +
      'and its configuration has no "log.shards"',
    hint: 'Name the shards as before; one without topics stays with an empty list of them.',
  },
} as const satisfies FaultTable

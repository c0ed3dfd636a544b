import type { CommitId } from '../model/ids.ts'

/**
 * What a file says of its commit. The id is drawn when the commit before is sealed, so it is known;
 * the number of the log entry is decided behind the file, and stands in the log alone.
 */
export const commitKeyValues = (commitId: CommitId): ReadonlyMap<string, string> =>
  new Map([['lakeward.commit', commitId]])

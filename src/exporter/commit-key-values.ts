import { isoOf } from '../base/time.ts'
import type { DataFile } from '../model/data-file.ts'
import type { CommitId } from '../model/ids.ts'

/**
 * What a file says of its commit. The id is drawn when the commit before is sealed, so it is known;
 * the number of the log entry is decided behind the file, and stands in the log alone.
 *
 * @param times between which its rows are, both included; dead letters may be of no time at all.
 */
export function commitKeyValues(
  commitId: CommitId,
  times?: DataFile['eventTimeMs'],
): ReadonlyMap<string, string> {
  const commit: [string, string] = ['lakeward.commit', commitId]
  if (times === undefined) return new Map([commit])
  return new Map([commit, ['lakeward.event-time', `${isoOf(times.min)}..${isoOf(times.max)}`]])
}

/**
 * What the operating system's file errors mean for the lake, in one place.
 *
 * Source: errno(3). An error without an errno is not the file system's: it is thrown on unchanged.
 */
import { Fault } from '../../base/fault.ts'

/** The lake says no: nothing changes until somebody makes room or grants permission. */
const refusals = new Set(['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EPERM'])

/** The errno of a file system error, such as "ENOENT"; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errno' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** True when nothing stands at the path, or at a folder above it. */
export const isAbsent = (error: unknown): boolean =>
  errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR'

/**
 * The fault that an error of a file operation means.
 *
 * @param operation verb for the message: "put", "read".
 * @param path as the lake's users name it.
 */
export function lakeFaultOf(error: unknown, operation: string, path: string): unknown {
  const errno = errnoOf(error)
  if (errno === undefined || !(error instanceof Error)) return error
  const code = refusals.has(errno) ? 'LAKE_REFUSED' : 'LAKE_UNAVAILABLE'
  return new Fault(code, { operation, path, reason: error.message }, { cause: error })
}

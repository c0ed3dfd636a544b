/** Where artifacts are kept: outside the clone, so that many clones share them. */
import { isAbsolute, join } from 'node:path'
import { Misuse } from './catalogue.ts'

/**
 * `LAKEWARD_SERVICES`, or a folder of ours in the user's cache folder. Pure.
 *
 * @param home the user's home folder, absolute.
 * @throws {Misuse} `LAKEWARD_SERVICES` is not absolute: it would depend on who asks from where.
 */
export function cacheFolder(env: NodeJS.ProcessEnv, home: string): string {
  const named = env['LAKEWARD_SERVICES'] ?? ''
  if (named !== '') {
    if (!isAbsolute(named)) {
      throw new Misuse(`LAKEWARD_SERVICES must be an absolute path, given "${named}"`)
    }
    return named
  }
  // A relative one is to be ignored, says the XDG base directory specification.
  const cache = env['XDG_CACHE_HOME'] ?? ''
  return join(isAbsolute(cache) ? cache : join(home, '.cache'), 'lakeward', 'services')
}

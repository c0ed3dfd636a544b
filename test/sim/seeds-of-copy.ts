/**
 * Runs seeds with a world made of a copy of the sources, judged by the sources it stands in itself.
 *
 *     node test/sim/seeds-of-copy.ts FOLDER FIRST COUNT
 *
 * Tells its parent of each seed when it begins and when it ends; ends with the first that is wrong.
 */

import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { SeedNews } from './patched.ts'
import { runSeed, type WorldClass } from './run-seed.ts'

const [folder = '', first = '1', count = '1'] = process.argv.slice(2)
const tell = (news: SeedNews): void => void process.send?.(news)

const url = pathToFileURL(join(folder, 'test/sim/daemon-world.ts')).href
// Stacks are for who looks at one seed: thousands of calls fail in each.
Error.stackTraceLimit = 0
process.once('disconnect', () => process.exit())
const { World } = (await import(url)) as { readonly World: WorldClass }
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  tell({ seed, wrong: undefined })
  const { wrong } = await runSeed(seed, World)
  // Whoever finds a bug is ended at once: the next one would compile all of it again.
  if (seed === Number(first)) flushCompileCache()
  tell({ seed, wrong })
  if (wrong.length > 0) break
}
process.disconnect()

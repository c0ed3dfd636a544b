/**
 * `npm run services -- up|down|status|logs [NAME…]`: real services for tests and for trying out.
 *
 * The last line of stdout is one JSON object. Exits 2 for a name or flag that is not known, 3 when
 * something outside is missing or does not come up.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeLock } from './artifact-lock.ts'
import { Misuse, serviceNamed, serviceNames } from './catalogue.ts'
import { OutsideTrouble, resolveToday } from './fetch-artifacts.ts'
import { ServiceHarness, userPlaces } from './service-harness.ts'
import { logTail } from './service-processes.ts'

const usage = `npm run services -- COMMAND [NAME…]

  up NAME…             fetch, start, wait until it answers; data of an earlier start is kept
  down [--wipe] [NAME…]  stop; --wipe removes the data too. Without a name: all that were started
  status               what was started here, with address and process ids
  logs [NAME…]         path and last lines of each log
  fetch NAME…          fetch into the cache, start nothing
  kill|pause|resume NAME…  SIGKILL · SIGSTOP · SIGCONT
  lock NAME…           for maintainers: write the checksums of what the registry has today

Services: ${serviceNames.join(', ')}
Artifacts are kept in the user's cache folder, or in LAKEWARD_SERVICES; run data in .services/run.`

const checkout = join(import.meta.dirname, '..', '..', '..')
const say = (line: string): void => console.log(line)
const places = userPlaces(checkout)
const harness = new ServiceHarness({ ...places, say })

type Command = (names: readonly string[], flags: { readonly wipe: boolean }) => Promise<void> | void

const each =
  (act: (name: string) => unknown): Command =>
  async (names) => {
    for (const name of names) await act(name)
  }
/** Without names: all. */
const orAll = (names: readonly string[]): readonly string[] =>
  names.length > 0 ? names : harness.status().map(({ instance }) => instance)

/** Names are checked before anything is done. */
const services = (command: Command): Command => {
  return (names, flags) => {
    if (names.length === 0) throw new Misuse(`name a service: ${serviceNames.join(', ')}`)
    for (const name of names) serviceNamed(name)
    return command(names, flags)
  }
}
/** Instances of tests are named by nobody but the list. */
const instances = (command: Command): Command => {
  return (names, flags) => {
    const known = new Set(harness.status().map(({ instance }) => instance))
    for (const name of names) if (!known.has(name)) serviceNamed(name)
    return command(
      names.filter((name) => known.has(name)),
      flags,
    )
  }
}

const commands: Readonly<Record<string, Command>> = {
  up: services(
    each(async (name) => {
      const { address } = await harness.up(name)
      say(`${name}: up on ${address}`)
    }),
  ),
  fetch: services(each((name) => harness.fetch(name))),
  lock: services(
    each(async (name) => {
      const lock = await resolveToday(serviceNamed(name), places.cacheRoot, say)
      say(`${name}: ${Object.keys(lock.files).length} files in ${writeLock(name, lock)}`)
    }),
  ),
  down: instances(async (names, { wipe }) => {
    for (const name of orAll(names)) {
      await harness.down(name)
      if (wipe) await harness.wipe(name)
      say(`${name}: down${wipe ? ', data removed' : ', data kept'}`)
    }
  }),
  kill: instances(each((name) => harness.kill(name))),
  pause: instances(each((name) => harness.pause(name))),
  resume: instances(each((name) => harness.resume(name))),
  status: instances(() => {
    for (const { instance, version, state, address, pids } of harness.status()) {
      const ids = Object.entries(pids).map(([name, pid]) => `${name} ${pid}`)
      say([instance, version, state, ...(state === 'down' ? [] : [address, ...ids])].join('  '))
    }
  }),
  logs: instances((names) => {
    for (const name of orAll(names)) {
      for (const [process_, path] of harness.logs(name)) {
        if (!existsSync(path)) continue
        say(`--- ${name} ${process_}: ${path}\n${logTail(path)}`)
      }
    }
  }),
}

/** @throws {Misuse} there is no such command or flag. */
function commandOf(words: readonly string[]): () => Promise<void> | void {
  const parsed = (() => {
    try {
      const options = { wipe: { type: 'boolean' }, help: { type: 'boolean' } } as const
      return parseArgs({ args: [...words], options, allowPositionals: true })
    } catch (error) {
      throw new Misuse(error instanceof Error ? error.message : String(error))
    }
  })()
  const [name = '', ...names] = parsed.positionals
  const { wipe = false, help = false } = parsed.values
  if (help) return () => say(usage)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    throw new Misuse(`"${name}" is no command; accepted: ${Object.keys(commands).join(', ')}`)
  }
  if (wipe && name !== 'down') throw new Misuse('--wipe goes with down')
  return () => command(names, { wipe })
}

try {
  await commandOf(process.argv.slice(2))()
  console.log(JSON.stringify({ services: harness.status() }))
} catch (error) {
  if (!(error instanceof Misuse) && !(error instanceof OutsideTrouble)) throw error
  console.error(error.message)
  process.exitCode = error instanceof Misuse ? 2 : 3
}

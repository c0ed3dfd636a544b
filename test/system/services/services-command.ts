/** What `npm run services` understands, without the process around it. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { writeLock } from './artifact-lock.ts'
import { Misuse, serviceNamed, serviceNames } from './catalogue.ts'
import { lockNameOf, resolveToday } from './fetch-artifacts.ts'
import { OutsideTrouble } from './outside-trouble.ts'
import { type HarnessOptions, type InstanceStatus, ServiceHarness } from './service-harness.ts'
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

export type ServicesEnd =
  | { readonly kind: 'done'; readonly services: readonly InstanceStatus[] }
  /** Nothing was done. */
  | { readonly kind: 'refused'; readonly because: string }
  /** Something outside is missing or does not come up. */
  | { readonly kind: 'failed'; readonly because: string }

interface Asked {
  readonly harness: ServiceHarness
  readonly options: HarnessOptions
  readonly names: readonly string[]
  readonly wipe: boolean
}

interface Command {
  /** Names of services, at least one; names of what was started, without one all; or no names. */
  readonly takes: 'services' | 'instances' | 'nothing'
  readonly run: (asked: Asked) => Promise<void> | void
}

const each =
  (act: (harness: ServiceHarness, name: string) => unknown) =>
  async ({ harness, names }: Asked): Promise<void> => {
    for (const name of names) await act(harness, name)
  }

const commands: Readonly<Record<string, Command>> = {
  up: {
    takes: 'services',
    run: async ({ harness, options, names }) => {
      for (const name of names) {
        const { address } = await harness.up(name)
        options.say(`${name}: up on ${address}`)
      }
    },
  },
  down: {
    takes: 'instances',
    run: async ({ harness, options, names, wipe }) => {
      for (const name of names) {
        await harness.down(name)
        if (wipe) await harness.wipe(name)
        options.say(`${name}: down${wipe ? ', data removed' : ', data kept'}`)
      }
    },
  },
  status: { takes: 'nothing', run: sayStatus },
  logs: { takes: 'instances', run: sayLogs },
  fetch: { takes: 'services', run: each((harness, name) => harness.fetch(name)) },
  kill: { takes: 'instances', run: each((harness, name) => harness.kill(name)) },
  pause: { takes: 'instances', run: each((harness, name) => harness.pause(name)) },
  resume: { takes: 'instances', run: each((harness, name) => harness.resume(name)) },
  lock: {
    takes: 'services',
    run: async ({ options: { cacheRoot, say }, names }) => {
      for (const name of names) {
        const kind = serviceNamed(name)
        const lock = await resolveToday(kind, cacheRoot, say)
        const what = lock.moduleSum ?? `${Object.keys(lock.files).length} files`
        say(`${name}: ${what} in ${writeLock(lockNameOf(kind), lock)}`)
      }
    },
  },
}

/**
 * Runs one command. What it tells goes to `options.say`.
 * @param optionsNow may refuse what the environment says.
 */
export async function runServices(
  words: readonly string[],
  optionsNow: () => HarnessOptions,
): Promise<ServicesEnd> {
  try {
    const options = optionsNow()
    const harness = new ServiceHarness(options)
    const { command, names, wipe, help } = readWords(words, harness)
    if (help) options.say(usage)
    else await command.run({ harness, options, names, wipe })
    return { kind: 'done', services: harness.status() }
  } catch (error) {
    if (error instanceof Misuse) return { kind: 'refused', because: error.message }
    // A folder that cannot be written, a disk that is full: it is told with the path.
    const isOutside = error instanceof OutsideTrouble || isOfSystem(error)
    if (isOutside) return { kind: 'failed', because: error.message }
    throw error
  }
}

const isOfSystem = (error: unknown): error is Error =>
  error instanceof Error && 'syscall' in error && 'code' in error

/** All words are checked before anything is done. @throws {Misuse} */
function readWords(words: readonly string[], harness: ServiceHarness) {
  const { positionals, values } = parsed(words)
  const [name = '', ...names] = positionals
  const { wipe = false, help = false } = values
  const key = help ? 'status' : name
  const command = Object.hasOwn(commands, key) ? commands[key] : undefined
  if (command === undefined) {
    throw new Misuse(`"${name}" is no command; accepted: ${Object.keys(commands).join(', ')}`)
  }
  if (wipe && name !== 'down') throw new Misuse('--wipe goes with down')
  return { command, names: help ? [] : namesFor(command, names, harness), wipe, help }
}

function parsed(words: readonly string[]) {
  try {
    const options = { wipe: { type: 'boolean' }, help: { type: 'boolean' } } as const
    return parseArgs({ args: [...words], options, allowPositionals: true })
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error))
  }
}

function namesFor(
  { takes }: Command,
  names: readonly string[],
  harness: ServiceHarness,
): readonly string[] {
  if (takes === 'nothing') {
    if (names.length > 0) throw new Misuse(`no name goes with it, given ${names.join(', ')}`)
    return []
  }
  if (takes === 'services') {
    if (names.length === 0) throw new Misuse(`name a service: ${serviceNames.join(', ')}`)
    for (const name of names) serviceNamed(name)
    return names
  }
  const started = harness.status().map(({ instance }) => instance)
  for (const name of names) if (!started.includes(name)) serviceNamed(name)
  return names.length === 0 ? started : names.filter((name) => started.includes(name))
}

function sayStatus({ harness, options: { say } }: Asked): void {
  for (const { instance, version, state, address, pids } of harness.status()) {
    const ids = Object.entries(pids).map(([name, pid]) => `${name} ${pid}`)
    say([instance, version, state, ...(state === 'down' ? [] : [address, ...ids])].join('  '))
  }
}

function sayLogs({ harness, names, options: { say } }: Asked): void {
  for (const name of names) {
    for (const [process_, path] of harness.logs(name)) {
      if (existsSync(path)) say(`--- ${name} ${process_}: ${path}\n${logTail(path)}`)
    }
  }
}

/** Private copies of the sources with a patch applied, and what the simulation finds in them. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const home = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
/** All that a world is made of. */
const copied = [
  'src',
  'proto',
  'package.json',
  'test/sim',
  'test/support',
  'test/unit/daemon/memory-config-files.ts',
] as const
/** A seed that takes longer does not end; generous, for machines with much else to do. */
const silenceMsMax = 60_000

/** Says why a patch does not apply; undefined when it does. Nothing is changed. */
export function refusalOf(patch: string): string | undefined {
  return gitApply(home, ['--check', patch])
}

/** `git apply` as it works outside of a repository: all of the patch, or nothing. */
function gitApply(folder: string, args: readonly string[]): string | undefined {
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder), GIT_DIR: '/dev/null' }
  const done = spawnSync('git', ['apply', ...args], { cwd: folder, env, encoding: 'utf8' })
  if (done.error !== undefined) return done.error.message
  return done.status === 0 ? undefined : done.stderr.trim()
}

export interface Search {
  readonly patch: string
  readonly first: number
  readonly count: number
}

export type SearchOutcome =
  | { readonly kind: 'refused'; readonly because: string }
  | { readonly kind: 'found'; readonly seed: number; readonly wrong: readonly string[] }
  | { readonly kind: 'not-found' }

/** A copy of the sources, for one search after the other: what is compiled of it is kept. */
class Copy {
  readonly #parent = mkdtempSync(join(tmpdir(), 'lakeward-sim-'))
  readonly #folder = join(this.#parent, 'copy')

  constructor() {
    for (const name of copied) {
      cpSync(join(home, name), join(this.#folder, name), { recursive: true })
    }
    symlinkSync(join(home, 'node_modules'), join(this.#folder, 'node_modules'), 'junction')
  }

  /** Runs seeds over patched sources until one of them breaks a promise. */
  async search({ patch, first, count }: Search): Promise<SearchOutcome> {
    const because = gitApply(this.#folder, [resolve(patch)])
    if (because !== undefined) return { kind: 'refused', because }
    try {
      const cache = join(this.#parent, 'compiled')
      return await searchIn({ folder: this.#folder, cache, first, count })
    } finally {
      gitApply(this.#folder, ['--reverse', resolve(patch)])
    }
  }

  remove(): void {
    rmSync(this.#parent, { recursive: true, force: true })
  }
}

/** Lends a copy of the sources, and takes it away whatever happens. */
export async function withCopy<T>(
  work: (search: (wanted: Search) => Promise<SearchOutcome>) => Promise<T>,
): Promise<T> {
  const copy = new Copy()
  const interrupted = (): never => {
    copy.remove()
    process.exit(130)
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    return await work((wanted) => copy.search(wanted))
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    copy.remove()
  }
}

/** What `seeds-of-copy.ts` tells. */
export interface SeedNews {
  readonly seed: number
  /** Undefined when the seed begins. */
  readonly wrong: readonly string[] | undefined
}

interface SearchIn extends Omit<Search, 'patch'> {
  readonly folder: string
  /** Where compiled code is kept. */
  readonly cache: string
}

/** In a process of its own: a planted bug may never give the processor back. */
function searchIn({ folder, cache, first, count }: SearchIn): Promise<SearchOutcome> {
  const script = join(home, 'test/sim/seeds-of-copy.ts')
  const env = { ...process.env, NODE_COMPILE_CACHE: cache }
  const child = fork(script, [folder, String(first), String(count)], { stdio: 'inherit', env })
  return new Promise((done) => {
    let seed = first
    const end = (outcome: SearchOutcome): void => {
      clearTimeout(silence)
      child.removeAllListeners()
      stop(child)
      done(outcome)
    }
    const found = (wrong: readonly string[]): void => end(outcomeOf(seed, wrong))
    const hang = (): void => found([`seed ${seed} does not end`])
    let silence = setTimeout(hang, silenceMsMax)
    child.on('message', (news: SeedNews) => {
      clearTimeout(silence)
      silence = setTimeout(hang, silenceMsMax)
      seed = news.seed
      if (news.wrong !== undefined && news.wrong.length > 0) found(news.wrong)
    })
    child.once('exit', (code, signal) => {
      if (code === 0) end({ kind: 'not-found' })
      else found([`the process ended with ${signal ?? code}`])
    })
  })
}

/** What a seed says of a patch. One that names what is not there is no bug: it does not compile. */
export function outcomeOf(seed: number, wrong: readonly string[]): SearchOutcome {
  const unknown = wrong.map((text) => /ReferenceError: .*/.exec(text)?.[0]).find(Boolean)
  if (unknown !== undefined) return { kind: 'refused', because: unknown }
  return { kind: 'found', seed, wrong }
}

function stop(child: ChildProcess): void {
  if (child.exitCode === null) child.kill('SIGKILL')
}

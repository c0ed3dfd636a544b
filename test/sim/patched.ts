/** Private copies of the sources with a patch applied, and what the simulation finds in them. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const home = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const copied = ['src', 'test', 'proto', 'package.json'] as const
/** A seed that takes longer does not end; generous, for machines with much else to do. */
const silenceMsMax = 600_000

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

/** Runs seeds over patched sources until one of them breaks a promise. */
export async function search({ patch, first, count }: Search): Promise<SearchOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'lakeward-sim-'))
  const interrupted = (): never => {
    rmSync(folder, { recursive: true, force: true })
    process.exit(130)
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    for (const name of copied) cpSync(join(home, name), join(folder, name), { recursive: true })
    symlinkSync(join(home, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const because = gitApply(folder, [resolve(patch)])
    if (because !== undefined) return { kind: 'refused', because }
    return await searchIn(folder, first, count)
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What `seeds-of-copy.ts` tells. */
export interface SeedNews {
  readonly seed: number
  /** Undefined when the seed begins. */
  readonly wrong: readonly string[] | undefined
}

/** In a process of its own: a planted bug may never give the processor back. */
function searchIn(folder: string, first: number, count: number): Promise<SearchOutcome> {
  const script = join(home, 'test/sim/seeds-of-copy.ts')
  const child = fork(script, [folder, String(first), String(count)], { stdio: 'inherit' })
  return new Promise((done) => {
    let seed = first
    const end = (outcome: SearchOutcome): void => {
      clearTimeout(silence)
      child.removeAllListeners()
      stop(child)
      done(outcome)
    }
    const found = (wrong: readonly string[]): void => end({ kind: 'found', seed, wrong })
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

function stop(child: ChildProcess): void {
  if (child.exitCode === null) child.kill('SIGKILL')
}

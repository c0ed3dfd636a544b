/**
 * Brings a service's artifacts into the cache, by the registry's own client.
 *
 * Invariants:
 * - A folder of the cache is whole and equals its lock: it is filled under another name, compared,
 *   and only then renamed.
 * - What was downloaded before an interruption is kept (`maven/` in the cache is Maven's own store,
 *   which also goes on inside a file).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type ArtifactLock,
  cachedName,
  differencesOf,
  differenceText,
  type FileTable,
  readLock,
  tableOf,
} from './artifact-lock.ts'
import { buildProgram, changesSinceBuilt, downloadModule, type GoArtifacts } from './go-module.ts'
import { makeFolder } from './make-folder.ts'
import { type MavenArtifacts, projectText } from './maven-project.ts'
import { installPackage, type NpmArtifacts } from './npm-package.ts'
import { OutsideTrouble, type Say } from './outside-trouble.ts'
import type { ServiceKind } from './service-kind.ts'
import { existsNow } from './service-processes.ts'

const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const progressEveryMs = 2_000
const linesKept = 12
const differencesTold = 5

/** Services of the same files share their lock and their folder. */
export const lockNameOf = ({ name, artifactsOf = name }: ServiceKind): string => artifactsOf

/** Where the artifacts of a service are, or would be. */
export const artifactsFolder = (kind: ServiceKind, cacheRoot: string): string =>
  join(cacheRoot, cachedName(lockNameOf(kind), readLock(lockNameOf(kind))))

/** True when they are there; they were compared with the lock before they came there. */
export const isFetched = (kind: ServiceKind, cacheRoot: string): boolean =>
  existsSync(artifactsFolder(kind, cacheRoot))

/**
 * @returns the folder that holds exactly what the lock names.
 * @throws {OutsideTrouble} it cannot be fetched, or is not what the lock names.
 */
export async function fetchArtifacts(
  kind: ServiceKind,
  cacheRoot: string,
  say: Say,
): Promise<string> {
  const lock = readLock(lockNameOf(kind))
  const folder = artifactsFolder(kind, cacheRoot)
  if (lock.version !== kind.version) {
    throw new Error(`the lock of "${kind.name}" is of ${lock.version}, not of ${kind.version}`)
  }
  const { artifacts } = kind
  if (artifacts.kind === 'go') return goFolder({ ...kind, artifacts }, lock, { cacheRoot, say })
  if (artifacts.kind === 'npm') return npmFolder({ ...kind, artifacts }, lock, { cacheRoot, say })
  if (existsSync(folder)) {
    refuseDifferences(kind.name, lock, tableOf(folder), () => rmSync(folder, { recursive: true }))
    return folder
  }
  const filled = await fillFolder({ ...kind, artifacts }, cacheRoot, {
    say,
    files: Object.keys(lock.files),
  })
  const found = tableOf(filled)
  refuseDifferences(kind.name, lock, found, () => {
    forget(cacheRoot, lock, found)
    rmSync(filled, { recursive: true })
  })
  rename(filled, folder)
  say(`${kind.name}: ${Object.keys(found).length} files, compared with the lock, in ${folder}`)
  return folder
}

/** What the registry hands out for the coordinates today, to make a lock from. */
export async function resolveToday(
  kind: ServiceKind,
  cacheRoot: string,
  say: Say,
): Promise<ArtifactLock> {
  const { version, artifacts } = kind
  if (artifacts.kind === 'go') {
    const { sum } = await downloadModule(artifacts, say)
    return { version, files: {}, moduleSum: sum }
  }
  if (artifacts.kind === 'npm') {
    const partial = emptyPartial(kind.name, cacheRoot)
    const moduleSum = installPackage(artifacts, partial, say)
    rmSync(partial, { recursive: true })
    return { version, files: {}, moduleSum }
  }
  const filled = await fillFolder({ ...kind, artifacts }, cacheRoot, { say, files: undefined })
  const lock = { version, files: tableOf(filled) }
  rmSync(filled, { recursive: true })
  return lock
}

function refuseDifferences(
  name: string,
  { files }: ArtifactLock,
  found: FileTable,
  clear: () => void,
): void {
  const differences = differencesOf(files, found)
  if (differences.length === 0) return
  clear()
  const told = differences.slice(0, differencesTold).map(differenceText)
  const more = differences.length - told.length
  throw new OutsideTrouble(
    `${name}: what was fetched is not what the lock names: ${told.join('; ')}` +
      `${more > 0 ? `; and ${more} more` : ''}. It was removed; the next run fetches it again.`,
  )
}

/** Removes the files that differ from Maven's store, or the next run would find them again. */
function forget(cacheRoot: string, { files }: ArtifactLock, found: FileTable): void {
  const wrong = new Set(differencesOf(files, found).map(({ file }) => file))
  const store = join(cacheRoot, 'maven')
  for (const path of readdirSync(store, { recursive: true, encoding: 'utf8' })) {
    if (wrong.has(basename(path))) rmSync(join(store, path))
  }
}

/** Another process that was quicker left the same bytes there. */
function rename(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
    rmSync(from, { recursive: true })
  }
}

/** Names of the files that are waited for, where they are known, so that progress has an end. */
interface Filling {
  readonly say: Say
  readonly files: readonly string[] | undefined
}

/** The program, built and as it was built. */
async function goFolder(
  kind: ServiceKind & { readonly artifacts: GoArtifacts },
  lock: ArtifactLock,
  { cacheRoot, say }: { readonly cacheRoot: string; readonly say: Say },
): Promise<string> {
  const { name, artifacts } = kind
  const folder = artifactsFolder(kind, cacheRoot)
  if (existsSync(folder)) {
    const changes = changesSinceBuilt(folder)
    if (changes.length === 0) return folder
    rmSync(folder, { recursive: true })
    const told = `${name}: what is there is not what was built: ${changes.join('; ')}`
    throw new OutsideTrouble(`${told}. It was removed; the next run builds it again.`)
  }
  const module = await downloadModule(artifacts, say)
  if (module.sum !== lock.moduleSum) {
    const sums = `has the checksum ${module.sum}, the lock has ${lock.moduleSum ?? 'none'}`
    throw new OutsideTrouble(`${name}: ${artifacts.module} ${sums}`)
  }
  say(`${name}: building ${artifacts.binary}, some minutes the first time`)
  const filled = emptyPartial(name, cacheRoot)
  await buildProgram(artifacts, module, filled)
  rename(filled, folder)
  say(`${name}: ${artifacts.binary} built in ${folder}`)
  return folder
}

/** The package with all that it loads, compiled here. */
function npmFolder(
  kind: ServiceKind & { readonly artifacts: NpmArtifacts },
  lock: ArtifactLock,
  { cacheRoot, say }: { readonly cacheRoot: string; readonly say: Say },
): string {
  const { name, artifacts } = kind
  const folder = artifactsFolder(kind, cacheRoot)
  if (existsSync(folder)) return folder
  const filled = emptyPartial(name, cacheRoot)
  const sum = installPackage(artifacts, filled, say)
  if (sum !== lock.moduleSum) {
    rmSync(filled, { recursive: true })
    const sums = `has the checksum ${sum}, the lock has ${lock.moduleSum ?? 'none'}`
    throw new OutsideTrouble(`${name}: the package of npm ${sums}`)
  }
  rename(filled, folder)
  say(`${name}: ${artifacts.name} built in ${folder}`)
  return folder
}

/** A folder of this process to be filled. What runs that died were filling goes. */
function emptyPartial(name: string, cacheRoot: string): string {
  const filled = join(cacheRoot, `${name}.partial-${process.pid}`)
  makeFolder(cacheRoot)
  removeLeftovers(name, cacheRoot)
  rmSync(filled, { recursive: true, force: true })
  mkdirSync(filled)
  return filled
}

async function fillFolder(
  kind: ServiceKind & { readonly artifacts: MavenArtifacts },
  cacheRoot: string,
  { say, files }: Filling,
): Promise<string> {
  const project = join(cacheRoot, 'projects', lockNameOf(kind))
  const filled = emptyPartial(lockNameOf(kind), cacheRoot)
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'pom.xml'), projectText(lockNameOf(kind), kind.artifacts))
  const words = [
    '--batch-mode',
    '--strict-checksums',
    `-Dmaven.repo.local=${join(cacheRoot, 'maven')}`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${filled}`,
    copyGoal,
  ]
  const count = files === undefined ? '' : `${files.length} `
  say(`${kind.name}: fetching ${count}files of ${kind.version}`)
  await runMaven(words, project, new Progress(kind.name, say, files))
  return filled
}

/** What runs that died were filling. */
function removeLeftovers(name: string, cacheRoot: string): void {
  for (const entry of readdirSync(cacheRoot)) {
    const [begun, pid] = entry.split('.partial-')
    if (begun !== name || pid === undefined || existsNow(Number(pid))) continue
    rmSync(join(cacheRoot, entry), { recursive: true })
  }
}

async function runMaven(words: readonly string[], project: string, progress: Progress) {
  const child = spawn('nice', ['-n', '5', 'mvn', ...words], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MAVEN_OPTS: process.env['MAVEN_OPTS'] ?? '-Xmx256m' },
  })
  const ended = once(child, 'close').then(
    ([code]) => `ended with ${String(code)}`,
    (error: unknown) => `could not begin: ${error instanceof Error ? error.message : ''}`,
  )
  createInterface({ input: child.stderr }).on('line', (line) => progress.onLine(line))
  createInterface({ input: child.stdout }).on('line', (line) => progress.onLine(line))
  const end = await ended
  if (end === 'ended with 0') return
  throw new OutsideTrouble(
    `fetching ${progress.name} ${end}; what is there already is kept, run it ` +
      `again. Maven said:\n${progress.lastLines.join('\n')}`,
  )
}

/** Counts what Maven says that it downloaded. */
class Progress {
  readonly name: string
  readonly lastLines: string[] = []
  readonly #say: Say
  readonly #files: ReadonlySet<string> | undefined
  #count = 0
  #saidAtMs = performance.now()

  constructor(name: string, say: Say, files: readonly string[] | undefined) {
    this.name = name
    this.#say = say
    this.#files = files === undefined ? undefined : new Set(files)
  }

  onLine(line: string): void {
    const downloaded = /^\S*\s*Downloaded from \S+ \S*\/([^/\s]+\.jar) \(([^)]*)\)/.exec(line)
    if (downloaded === null) this.#keep(line)
    else this.#counted(downloaded[1] ?? '', downloaded[2] ?? '')
  }

  #keep(line: string): void {
    if (/Download(ing|ed) from/.test(line)) return
    this.lastLines.push(line)
    if (this.lastLines.length > linesKept) this.lastLines.shift()
  }

  #counted(file: string, size: string): void {
    if (this.#files !== undefined && !this.#files.has(file)) return
    this.#count++
    const nowMs = performance.now()
    if (nowMs - this.#saidAtMs < progressEveryMs) return
    this.#saidAtMs = nowMs
    const all = this.#files === undefined ? '' : ` of ${this.#files.size}`
    this.#say(`${this.name}: ${this.#count}${all} downloaded, last ${file} (${size})`)
  }
}

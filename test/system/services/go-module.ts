/**
 * A program built from a Go module, at an exact version, with the checksums that the module itself
 * names for all that it needs.
 *
 *     github.com/versity/versitygw@v1.8.0  h1:au+wI+aybno/STsQiSm35Uu6Q6iK5MWReQxgO6SEMFc=
 *
 * Invariants:
 * - The module's own checksum stands in our lock; its `go.sum` is part of what that is over, and Go
 *   builds inside the module, so that nothing else is built in.
 * - What was built is recorded beside it, and used only as long as it is that.
 *
 * Source: https://go.dev/ref/mod#go-sum-files, #go-mod-download.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { differencesOf, differenceText, type FileTable, tableOf } from './artifact-lock.ts'
import { OutsideTrouble, type Say } from './outside-trouble.ts'

export interface GoArtifacts {
  readonly kind: 'go'
  readonly module: string
  /** As Go writes it, exact: "v1.8.0". */
  readonly moduleVersion: string
  /** Folder of the program in the module: "./cmd/versitygw". */
  readonly program: string
  /** Name of what is built. */
  readonly binary: string
}

const recordName = 'built.json'

interface DownloadedModule {
  readonly folder: string
  /** Over all its files, as Go writes it: "h1:…". */
  readonly sum: string
}

/** @throws {OutsideTrouble} there is no Go, or no such module. */
export async function downloadModule(artifacts: GoArtifacts, say: Say): Promise<DownloadedModule> {
  const { module, moduleVersion } = artifacts
  say(`${artifacts.binary}: fetching ${module} ${moduleVersion}`)
  const out = await go(['mod', 'download', '-json', `${module}@${moduleVersion}`])
  const { Dir: folder, Sum: sum } = JSON.parse(out) as { Dir: string; Sum: string }
  return { folder, sum }
}

/** Builds the program into a folder, with the record of what was built. */
export async function buildProgram(
  { binary, program }: GoArtifacts,
  module: DownloadedModule,
  into: string,
): Promise<void> {
  const flags = ['-trimpath', '-mod=readonly', '-ldflags=-s -w']
  await go(['build', ...flags, '-o', join(into, binary), program], module.folder)
  writeFileSync(join(into, recordName), JSON.stringify(tableOf(into), undefined, 2))
}

/** What is not as it was built, in words. */
export function changesSinceBuilt(folder: string): readonly string[] {
  const { [recordName]: _record, ...found } = tableOf(folder)
  return differencesOf(recordOf(folder), found).map(differenceText)
}

function recordOf(folder: string): FileTable {
  try {
    return JSON.parse(readFileSync(join(folder, recordName), 'utf8')) as FileTable
  } catch {
    return {}
  }
}

/** Runs Go to its end. @returns what it said on stdout. */
async function go(words: readonly string[], folder?: string): Promise<string> {
  const child = spawn('nice', ['-n', '5', 'go', ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GOWORK: 'off', GOFLAGS: '' },
  })
  const ended = once(child, 'close').then(
    ([code]) => `ended with ${String(code)}`,
    (error: unknown) => `could not begin: ${error instanceof Error ? error.message : ''}`,
  )
  const [out, said, end] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (end === 'ended with 0') return out
  const told = said.trimEnd().split('\n').slice(-linesTold).join('\n')
  throw new OutsideTrouble(`go ${words[0] ?? ''} ${end}; it said:\n${told}${out.slice(0, 500)}`)
}

const linesTold = 12

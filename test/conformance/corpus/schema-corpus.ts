/**
 * Schemas of somebody else: every message of them is made into a table, or refused by name.
 *
 * - google-proto-files 6.0.1, as sources. Files are loaded by folder, since one load parses each
 *   file once; a folder that cannot be loaded as one is loaded file by file.
 * - opentelemetry-proto 1.45.2, as a FileDescriptorSet: see `opentelemetry_desc.py`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Fault, isFault } from '../../../src/base/fault.ts'
import { parseDescriptorSet } from '../../../src/codec/protobuf/descriptor-set.ts'
import { loadSchema } from '../../../src/codec/protobuf/parse-schema.ts'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import { planTable } from '../../../src/kernel/table-plan.ts'
import type { MessageSchema } from '../../../src/model/event-schema.ts'

export interface CorpusResults {
  readonly files: number
  /** Files that were loaded; the others are refused. */
  readonly loaded: number
  readonly messages: number
  readonly compiled: number
  /** Columns of all tables. */
  readonly columns: number
  /** What the fault says, by the name of the message, or of the file. */
  readonly refused: ReadonlyMap<string, string>
}

const require = createRequire(import.meta.url)
const mapping = { identity: [], names: 'as-declared' } as const

class CorpusRun {
  readonly #kernel: Kernel
  readonly #seen = new Set<string>()
  readonly #refused = new Map<string, string>()
  #loaded = 0
  #compiled = 0
  #columns = 0

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Messages of a load; those of imports were seen before, or are seen now. */
  messages(names: readonly string[], schemaOf: (name: string) => MessageSchema | undefined): void {
    for (const name of names) {
      if (this.#seen.has(name)) continue
      this.#seen.add(name)
      this.#try(name, () => {
        const schema = schemaOf(name)
        if (schema === undefined) throw new Error(`message ${name} is listed and not there`)
        const plan = planTable(schema, mapping)
        this.#kernel.compile(plan).release()
        this.#compiled += 1
        this.#columns += plan.leaves.length
      })
    }
  }

  /** @returns whether the files could be loaded; a single one that cannot is refused. */
  load(sources: ReadonlyMap<string, string>, files: readonly string[]): boolean {
    const all = `syntax = "proto3";\n${files.map((file) => `import "${file}";`).join('\n')}\n`
    const load = (): void => {
      const schema = loadSchema(new Map([...sources, ['all.proto', all]]), 'all.proto')
      this.#loaded += files.length
      this.messages(schema.messageNames, (name) => schema.message(name))
    }
    const [only = '', ...others] = files
    if (others.length === 0) return this.#try(only, load)
    try {
      load()
      return true
    } catch (error) {
      if (isFault(error, 'SCHEMA_UNREADABLE')) return false
      throw error
    }
  }

  results(files: number): CorpusResults {
    return {
      files,
      loaded: this.#loaded,
      messages: this.#seen.size,
      compiled: this.#compiled,
      columns: this.#columns,
      refused: this.#refused,
    }
  }

  #try(name: string, act: () => void): boolean {
    try {
      act()
      return true
    } catch (error) {
      if (!(error instanceof Fault) || !error.code.startsWith('SCHEMA_')) throw error
      this.#refused.set(name, error.message)
      return false
    }
  }
}

/** Every message of google-proto-files. */
export function tryGoogleProtoFiles(kernel: Kernel): CorpusResults {
  const root = dirname(require.resolve('google-proto-files/package.json'))
  const files = ['gapic', 'google', 'grafeas'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.proto'))
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
      .sort(),
  )
  const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
  const run = new CorpusRun(kernel)
  for (const group of Map.groupBy(files, groupOf).values()) {
    if (run.load(sources, group)) continue
    for (const file of group) run.load(sources, [file])
  }
  return run.results(files.length)
}

/** "google/cloud/run", "google/ads/googleads/v22": few enough files for one load. */
const groupOf = (file: string): string =>
  file
    .split('/')
    .slice(0, -1)
    .slice(0, file.startsWith('google/ads/') ? 4 : 3)
    .join('/')

/** Every message of opentelemetry-proto. */
export function tryOpenTelemetry(kernel: Kernel): CorpusResults {
  const file = 'opentelemetry.desc'
  const bytes = readFileSync(join(import.meta.dirname, file))
  const names = namesOf(bytes, file)
  const run = new CorpusRun(kernel)
  run.messages(names, (name) => parseDescriptorSet(bytes, file, name))
  const fileNames = new Set(bytes.toString('latin1').match(/opentelemetry\/[\w/]+\.proto/g))
  return run.results(fileNames.size)
}

/** As the fault lists them that a name provokes which is not there. */
function namesOf(bytes: Uint8Array, file: string): readonly string[] {
  try {
    parseDescriptorSet(bytes, file, 'not.There')
  } catch (error) {
    if (isFault(error, 'SCHEMA_MESSAGE_NOT_FOUND')) return error.facts.known
  }
  throw new Error('the messages of the set are not known')
}

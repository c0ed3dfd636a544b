import { dirname, join, resolve } from 'node:path'
import { Fault } from '../../base/fault.ts'
import type { ConfigFiles } from '../../ports/config-files.ts'
import { pathOfFileUrl, registryConfig } from './lake-config.ts'
import { type ConfigProblem, problemLine } from './problems.ts'
import { parseYamlFile, type YamlFile } from './yaml-file.ts'

/** The YAML of a configuration: the main file, and one file for each further stream. */
export interface ConfigDocuments {
  /** Path of the main file as it was named. */
  readonly file: string
  /** Absolute folder of the main file: relative paths start here. */
  readonly folder: string
  /** Absolute folder of the registry, when there is one. */
  readonly registry: string | undefined
  readonly main: YamlFile
  /** Files that could be read as YAML, in the order of their streams. */
  readonly streamFiles: readonly YamlFile[]
  /** Problems of files that are no YAML, as lines for people. */
  readonly broken: readonly string[]
}

/**
 * Reads the main file and the stream files beside it and in the registry.
 * @throws {Fault} CONFIG_UNREADABLE.
 */
export async function readDocuments(file: string, files: ConfigFiles): Promise<ConfigDocuments> {
  const main = await readYaml(file, { named: file, files })
  const folder = dirname(files.absolute(file))
  const registry = registryFolder(main.tree, folder)
  const found: YamlFile[] = []
  for (const parent of new Set([folder, registry ?? folder])) {
    for (const name of await files.listFiles(join(parent, 'streams'))) {
      if (!/\.ya?ml$/.test(name)) continue
      const named = join(parent === folder ? '' : parent, 'streams', name)
      found.push(await readYaml(join(parent, 'streams', name), { named, files }))
    }
  }
  const broken = [main, ...found].flatMap(({ name, problems }) =>
    problems.map((problem) => `${name}: ${problem}`),
  )
  const streamFiles = found.filter(({ tree }) => tree !== undefined)
  return { file, folder, registry, main, streamFiles, broken }
}

interface Reading {
  /** How the file is named in messages. */
  readonly named: string
  readonly files: ConfigFiles
}

async function readYaml(path: string, { named, files }: Reading): Promise<YamlFile> {
  const text = await files.readText(path)
  if (text !== undefined) return parseYamlFile(named, text)
  throw new Fault('CONFIG_UNREADABLE', { file: named, reason: 'there is no such file' })
}

/** Asked before the whole is checked, because stream files stand there too. */
function registryFolder(tree: unknown, folder: string): string | undefined {
  if (!isMap(tree)) return undefined
  const { url } = registryConfig.safeParse(tree['registry']).data ?? {}
  const path = url === undefined ? undefined : pathOfFileUrl(url)
  return path === undefined ? undefined : resolve(folder, path)
}

function isMap(tree: unknown): tree is Readonly<Record<string, unknown>> {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree)
}

/** One tree of all documents: each stream file is one more entry of `streams`. */
export function wholeTree({ main, streamFiles }: ConfigDocuments): unknown {
  if (!isMap(main.tree)) return main.tree
  const listed = main.tree['streams'] ?? []
  if (!Array.isArray(listed)) return main.tree
  return { ...main.tree, streams: [...listed, ...streamFiles.map(({ tree }) => tree)] }
}

/** A problem with its place: `commit.interval: 60 has no unit; accepted: 60s (line 7)`. */
export function placedLine(problem: ConfigProblem, documents: ConfigDocuments): string {
  const { main, streamFiles } = documents
  const [first, index, ...rest] = problem.path
  const tree = isMap(main.tree) ? main.tree['streams'] : undefined
  const listedCount = Array.isArray(tree) ? tree.length : 0
  const streamFile =
    first === 'streams' && typeof index === 'number' ? streamFiles[index - listedCount] : undefined
  const place =
    streamFile === undefined
      ? `line ${main.lineOf(problem.path)}`
      : `${streamFile.name} line ${streamFile.lineOf(rest)}`
  return `${problemLine(problem)} (${place})`
}

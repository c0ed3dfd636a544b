import { basename, dirname, join, posix, resolve } from 'node:path'
import { importCandidates, importsOf } from '../../codec/protobuf/schema-files.ts'
import type { ConfigFiles } from '../../ports/config-files.ts'
import type { StreamTexts } from './resolve.ts'
import type { StreamConfig } from './stream-config.ts'

/** Where relative paths of a configuration are looked for. */
export interface TextFolders {
  readonly folder: string
  readonly registry: string | undefined
}

/**
 * The texts that a stream refers to. What is not there is left out: who resolves the stream knows
 * what that means.
 * @throws {Fault} CONFIG_UNREADABLE: a file is there and cannot be read.
 */
export async function readStreamTexts(
  stream: StreamConfig,
  { folder, registry }: TextFolders,
  files: ConfigFiles,
): Promise<StreamTexts> {
  const parents = registry === undefined ? [folder] : [registry, folder]
  const { file } = stream.schema
  const schema = file.endsWith('.proto')
    ? await readSchemaSources(file, parents, files)
    : await readDescriptorSet(file, parents, files)
  const modules = new Map<string, string>()
  for (const step of stream.etl) {
    if (step.kind !== 'module') continue
    const text = await files.readText(resolve(folder, step.file))
    if (text !== undefined) modules.set(step.file, text)
  }
  return { ...schema, modules }
}

/** A compiled set holds its imports. */
async function readDescriptorSet(
  file: string,
  parents: readonly string[],
  files: ConfigFiles,
): Promise<Pick<StreamTexts, 'sources' | 'schemaFile' | 'descriptorSet'>> {
  for (const parent of parents) {
    const descriptorSet = await files.readBytes(resolve(parent, file))
    if (descriptorSet !== undefined) return { sources: new Map(), schemaFile: file, descriptorSet }
  }
  return { sources: new Map(), schemaFile: file, descriptorSet: undefined }
}

/**
 * A schema file with all it imports.
 *
 * Imports name files from a root: a folder of `parents`, or the schema's own folder when its path
 * leads out of them.
 */
async function readSchemaSources(
  file: string,
  parents: readonly string[],
  files: ConfigFiles,
): Promise<Pick<StreamTexts, 'sources' | 'schemaFile' | 'descriptorSet'>> {
  const normal = posix.normalize(file)
  const leadsOut = normal.startsWith('../') || posix.isAbsolute(normal)
  const roots = leadsOut ? parents.map((parent) => dirname(resolve(parent, normal))) : parents
  const schemaFile = leadsOut ? basename(normal) : normal
  const sources = new Map<string, string>()
  const waiting = [schemaFile]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (sources.has(path)) continue
    const text = await readFromRoots(path, roots, files)
    if (text === undefined) continue
    sources.set(path, text)
    for (const target of importsOf(text)) waiting.push(...importCandidates(path, target))
  }
  return { sources, schemaFile, descriptorSet: undefined }
}

async function readFromRoots(
  path: string,
  roots: readonly string[],
  files: ConfigFiles,
): Promise<string | undefined> {
  for (const root of roots) {
    const text = await files.readText(join(root, path))
    if (text !== undefined) return text
  }
  return undefined
}

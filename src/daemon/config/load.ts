/**
 * From the path of a configuration to what a pipeline is built from, or to all that is wrong.
 *
 * The main file, the files of `streams/` beside it and in the registry, the schemas with their
 * imports, and the texts of ETL modules are read, each once.
 */
import { Fault } from '../../base/fault.ts'
import type { ConfigFiles } from '../../ports/config-files.ts'
import { parseConfig } from '../config.ts'
import { placedLine, readDocuments, wholeTree } from './documents.ts'
import { resolveConfig, resolveStream } from './resolve.ts'
import type { ResolvedConfig } from './resolved-config.ts'
import { readStreamTexts } from './stream-texts.ts'

/**
 * Reads a configuration with everything it refers to.
 *
 * @param file path of the main file.
 * @throws {Fault} CONFIG_UNREADABLE, or CONFIG_REFUSED with every problem found.
 */
export async function loadConfig(file: string, files: ConfigFiles): Promise<ResolvedConfig> {
  const documents = await readDocuments(file, files)
  if (documents.main.tree === undefined) {
    throw new Fault('CONFIG_REFUSED', { file, problems: documents.broken })
  }
  const { config, problems, streams } = parseConfig(wholeTree(documents))
  const resolutions = await Promise.all(
    streams.map(async (placed) => {
      const texts = await readStreamTexts(placed.stream, documents, files).catch(keepFault)
      if (!(texts instanceof Fault)) return resolveStream(placed, texts, documents.folder)
      const problem = { path: ['streams', placed.index], text: texts.message }
      return { resolved: undefined, problems: [problem] }
    }),
  )
  const found = [...problems, ...resolutions.flatMap((each) => each.problems)]
  const lines = [...documents.broken, ...found.map((each) => placedLine(each, documents))]
  if (config === undefined || lines.length > 0) {
    throw new Fault('CONFIG_REFUSED', { file, problems: lines })
  }
  const resolved = resolutions.flatMap((each) => each.resolved ?? [])
  return resolveConfig(config, resolved, { file, folder: documents.folder })
}

/** A text that cannot be read is one problem among others. */
function keepFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

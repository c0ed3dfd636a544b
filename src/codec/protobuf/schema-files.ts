/**
 * `.proto` sources by path, and how an import finds its file. Text in, no disk.
 *
 * An import is looked for beside the file that imports it, then from the root of the sources, then
 * among the files that come with every protobuf compiler. A user's own copy of
 * `google/protobuf/…` therefore wins over the bundled one.
 *
 *     importCandidates('shop/order.proto', 'money.proto')  → ['shop/money.proto', 'money.proto']
 *
 * Source: protobuf language specification, "Importing definitions".
 */
import { posix } from 'node:path'
import protobuf from 'protobufjs'
import api from 'protobufjs/google/protobuf/api.json' with { type: 'json' }
import descriptor from 'protobufjs/google/protobuf/descriptor.json' with { type: 'json' }
import sourceContext from 'protobufjs/google/protobuf/source_context.json' with { type: 'json' }
import type from 'protobufjs/google/protobuf/type.json' with { type: 'json' }

const bundledBeyondCommon: ReadonlyMap<string, protobuf.INamespace> = new Map<
  string,
  protobuf.INamespace
>([
  ['google/protobuf/api.proto', api],
  ['google/protobuf/descriptor.proto', descriptor],
  ['google/protobuf/source_context.proto', sourceContext],
  ['google/protobuf/type.proto', type],
])

/** The definitions of a `google/protobuf/…` file that needs no source, or undefined. */
export function bundledDefinitions(path: string): protobuf.INamespace | undefined {
  if (!path.startsWith('google/protobuf/')) return undefined
  return protobuf.common.get(path) ?? bundledBeyondCommon.get(path)
}

/** True for imports that need no file, such as "google/protobuf/timestamp.proto". */
export const isBundledImport = (path: string): boolean => bundledDefinitions(path) !== undefined

/**
 * The paths at which an imported file may stand, best first. None leaves the root of the sources.
 *
 * @param importer path of the file with the import statement, "/"-separated.
 * @param target   the import as it is written.
 */
export function importCandidates(importer: string, target: string): readonly string[] {
  const beside = posix.normalize(posix.join(posix.dirname(importer), target))
  const fromRoot = posix.normalize(target)
  const within = [beside, fromRoot].filter((path) => !path.startsWith('../'))
  return [...new Set(within)]
}

/**
 * The imports of a source in the order they are written, weak and public ones too, so that a caller
 * can fetch the files before it asks for the schema.
 *
 * Reads only as far as the text can be cut into tokens; what is wrong with it is said by
 * `parseMessageSchema`.
 */
export function importsOf(text: string): readonly string[] {
  const found: string[] = []
  const tokens = protobuf.tokenize(text, false)
  try {
    for (let token = tokens.next(); token !== null; token = tokens.next()) {
      if (token === '"' || token === "'") skipString(tokens)
      if (token !== 'import') continue
      const target = importTarget(tokens)
      if (target !== undefined) found.push(target)
    }
  } catch {
    return found
  }
  return found
}

function importTarget(tokens: protobuf.ITokenizerHandle): string | undefined {
  let token = tokens.next()
  if (token === 'weak' || token === 'public') token = tokens.next()
  if (token !== '"' && token !== "'") return undefined
  const target = tokens.next() ?? undefined
  tokens.next()
  return target
}

/** The tokenizer gives a string as three tokens: quote, text, quote. */
function skipString(tokens: protobuf.ITokenizerHandle): void {
  tokens.next()
  tokens.next()
}

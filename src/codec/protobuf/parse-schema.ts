/**
 * `.proto` text to `MessageSchema`: proto2, proto3 and editions 2023, 2024.
 *
 * protobufjs cuts and parses the text; names are resolved here, by the rule of the language, since
 * protobufjs also finds types that no compiler would. What it accepts too much of (field number 0,
 * a name it drops) is refused here.
 *
 * - Names are kept as they are declared.
 * - The result may be cyclic: recursive messages refer to the same objects.
 * - Whatever is wrong is a fault that names the file, and the line where there is one.
 *
 * Source: protobuf language specification for proto2, proto3 and editions.
 */
import protobuf from 'protobufjs'
import { Fault } from '../../base/fault.ts'
import type { MessageSchema } from '../../model/event-schema.ts'
import { bundledDefinitions, importCandidates } from './schema-files.ts'
import { SchemaGraph } from './schema-graph.ts'
import { SchemaNames } from './schema-names.ts'

/** Sources by path from their common root, "/"-separated: "shop/order.proto" → its text. */
export type SchemaSources = ReadonlyMap<string, string>

/** What one read of a schema has gathered so far. */
interface Loading {
  readonly sources: SchemaSources
  readonly root: protobuf.Root
  readonly loaded: Set<string>
}

/** What a file and its imports declare, read once for any number of messages. */
interface LoadedSchema {
  /** Full names, those of imports too. */
  readonly messageNames: readonly string[]
  /** @throws {Fault} SCHEMA_NOT_SUPPORTED: the message reaches a message set. */
  message(fullName: string): MessageSchema | undefined
}

/**
 * Reads a file with its imports.
 *
 * @param sources texts of the file and of all it imports; see `importsOf`.
 * @throws {Fault} SCHEMA_UNREADABLE
 */
export function loadSchema(sources: SchemaSources, file: string): LoadedSchema {
  const loading: Loading = { sources, root: new protobuf.Root(), loaded: new Set() }
  loadFile(loading, file)
  const names = new SchemaNames(loading.root, sources)
  names.checkAll()
  resolveFeatures(loading.root, file)
  return {
    messageNames: names.messageNames,
    // A graph that refused a message holds what it had made until then: each message has its own.
    message: (fullName) => new SchemaGraph(names).messageNamed(fullName),
  }
}

/**
 * The schema of one message, with everything it refers to.
 *
 * @param sources texts of the file and of all it imports; see `importsOf`.
 * @param file    path of the file that declares the message.
 * @param message full name with its package, no leading dot: "growth.AppEvent".
 * @throws {Fault} SCHEMA_UNREADABLE, SCHEMA_MESSAGE_NOT_FOUND, and SCHEMA_NOT_SUPPORTED for message
 *   sets the message reaches.
 */
export function parseMessageSchema(
  sources: SchemaSources,
  file: string,
  message: string,
): MessageSchema {
  const schema = loadSchema(sources, file)
  const found = schema.message(message)
  if (found !== undefined) return found
  const known = schema.messageNames.filter((name) => !name.startsWith('google.protobuf.'))
  throw new Fault('SCHEMA_MESSAGE_NOT_FOUND', { file, message, known })
}

function loadFile(loading: Loading, file: string): void {
  if (loading.loaded.has(file)) return
  loading.loaded.add(file)
  const text = loading.sources.get(file)
  if (text === undefined) throw unreadable(file, 'there is no such file')
  const parsed = parseText(loading.root, file, text)
  for (const target of parsed.imports ?? []) loadImport(loading, file, target)
  for (const target of parsed.weakImports ?? []) {
    if (isThere(loading.sources, file, target)) loadImport(loading, file, target)
  }
}

function isThere(sources: SchemaSources, importer: string, target: string): boolean {
  if (bundledDefinitions(target) !== undefined) return true
  return importCandidates(importer, target).some((path) => sources.has(path))
}

function loadImport(loading: Loading, importer: string, target: string): void {
  const candidates = importCandidates(importer, target)
  const path = candidates.find((candidate) => loading.sources.has(candidate))
  if (path !== undefined) return loadFile(loading, path)
  const bundled = bundledDefinitions(target)
  if (bundled === undefined) {
    const tried = candidates.map((candidate) => `"${candidate}"`).join(', ')
    throw unreadable(importer, `it imports "${target}", which is not there (tried ${tried})`)
  }
  if (loading.loaded.has(target)) return
  loading.loaded.add(target)
  loading.root.addJSON(bundled.nested ?? {})
}

function parseText(root: protobuf.Root, file: string, text: string): protobuf.IParserResult {
  const dropped = /\b__proto__\s*=/.exec(text)
  if (dropped !== null) {
    const line = text.slice(0, dropped.index).split('\n').length
    throw unreadable(file, `a field cannot be called "__proto__" at line ${line}`)
  }
  try {
    return parseWith(root, file, text)
  } catch (error) {
    throw new Fault('SCHEMA_UNREADABLE', { file, reason: reasonOf(error, text) }, { cause: error })
  }
}

/** protobufjs stamps every definition with the file name that stands in a global of its parser. */
function parseWith(root: protobuf.Root, file: string, text: string): protobuf.IParserResult {
  Reflect.set(protobuf.parse, 'filename', file)
  try {
    return protobuf.parse(text, root, { keepCase: true, alternateCommentMode: true })
  } finally {
    Reflect.set(protobuf.parse, 'filename', null)
  }
}

/** protobufjs reads groups everywhere but there; a descriptor set has them as any other field. */
const groupInOneof = 'a group within a oneof is read from a descriptor set only'

function reasonOf(error: unknown, text: string): string {
  const message = messageOf(error)
  const said = message === 'field must be a Field' ? groupInOneof : message
  const [, what, line] = /^(.*) \((?:.*, )?line (\d+)\)$/s.exec(said) ?? []
  if (what !== undefined) return `${what} at line ${line}`
  const isOwn = failureOf(text) === message
  return isOwn ? `${said} at line ${firstLineWith(text, message)}` : said
}

/**
 * The line that provokes an error which protobufjs reports without one.
 *
 * Definitions are checked as they are read, so the error comes as soon as the text reaches that
 * line, and stays for every longer text: found by halving. What only clashes with another file has
 * no such line.
 */
function firstLineWith(text: string, said: string): number {
  const lines = text.split('\n')
  let first = 1
  let last = lines.length
  while (first < last) {
    const middle = (first + last) >> 1
    if (failureOf(lines.slice(0, middle).join('\n')) === said) last = middle
    else first = middle + 1
  }
  return first
}

function failureOf(text: string): string | undefined {
  try {
    protobuf.parse(text, new protobuf.Root(), { keepCase: true, alternateCommentMode: true })
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** Works out presence, encoding and openness of everything, as edition and options say. */
function resolveFeatures(root: protobuf.Root, file: string): void {
  try {
    root.resolveAll()
  } catch (error) {
    throw new Fault('SCHEMA_UNREADABLE', { file, reason: messageOf(error) }, { cause: error })
  }
}

const unreadable = (file: string, reason: string): Fault =>
  new Fault('SCHEMA_UNREADABLE', { file, reason })

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

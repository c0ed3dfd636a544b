import { type Document, isCollection, isMap, isPair, LineCounter, parseDocument } from 'yaml'
import type { KeyPath } from './problems.ts'

/** One file of YAML, with the lines its keys stand on. */
export interface YamlFile {
  readonly name: string
  readonly tree: unknown
  /** What is wrong with it as YAML; the tree is undefined then. */
  readonly problems: readonly string[]
  /** 1-based line of a key, or of the nearest part of its path that is there. */
  readonly lineOf: (path: KeyPath) => number
}

/** Reads one document of YAML 1.2; anything that YAML itself only warns of is a problem too. */
export function parseYamlFile(name: string, text: string): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const found = [...document.errors, ...document.warnings]
  const lineAt = (position: number): number => lines.linePos(position).line
  const wrong = found.map(({ pos, message }) => notYaml(message, lineAt(pos[0])))
  const read = wrong.length > 0 ? { tree: undefined, problems: wrong } : plainTree(document)
  return { name, ...read, lineOf: (path) => lineAt(positionOf(document, path)) }
}

const notYaml = (reason: string, line: number): string => `not YAML: ${reason} (line ${line})`

/** An empty file is an empty section. Aliases that would blow up are refused. */
function plainTree(document: Document): Pick<YamlFile, 'tree' | 'problems'> {
  if (document.contents === null) return { tree: {}, problems: [] }
  try {
    return { tree: document.toJS({ maxAliasCount: 100 }), problems: [] }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { tree: undefined, problems: [notYaml(reason, 1)] }
  }
}

function positionOf(document: Document, path: KeyPath): number {
  let node: unknown = document.contents
  let position = startOf(node)
  for (const part of path) {
    if (!isCollection(node)) break
    const pair = isMap(node)
      ? node.items.find(({ key }) => `${String(key)}` === `${part}`)
      : undefined
    const next: unknown = isPair(pair) ? pair.value : node.get(part, true)
    const start = isPair(pair) ? startOf(pair.key) : startOf(next)
    if (start === 0) break
    position = start
    node = next
  }
  return position
}

function startOf(node: unknown): number {
  if (typeof node !== 'object' || node === null || !('range' in node)) return 0
  const range: unknown = node.range
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : 0
}

/** The tree as tidy tests read it: every TypeScript file below a folder, with its text. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SourceFile {
  /** Path from the top of the repository, with "/". */
  readonly path: string
  readonly text: string
}

/** @returns files sorted by path, without generated ones. */
export function filesBelow(folder: string): readonly SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .filter((path) => !path.includes('/gen/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
}

/** The room of a file in `src/`: its first folder. */
export const roomOf = (path: string): string => path.split('/')[1] ?? ''

/** Relative specifiers that a file imports. */
export function importsOf(text: string): readonly string[] {
  const pattern = /\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g
  return [...text.matchAll(pattern)].map(([, specifier = '']) => specifier)
}

import { expect, test } from 'vitest'
import { filesBelow, roomOf } from './source-tree.ts'

/** What only adapters may touch, and the entry of the command line. */
const ambient: readonly RegExp[] = [
  /\bDate\.now\b|\bnew Date\(\)/,
  /\bperformance\.now\b/,
  /\b(setTimeout|setInterval|setImmediate)\b/,
  /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/,
  /\bprocess\.env\b/,
  /(?<![.\w])fetch\(/,
  /'node:(fs|net|http|https|tls|dns|timers|child_process|worker_threads|os)/,
]

const typeHoles: readonly RegExp[] = [/\bas any\b/, /: any\b/, /@ts-(ignore|expect-error|nocheck)/]

const columnsMax = 100
const linesMax = 400

const files = filesBelow('src')
/** What is not shipped: names of tests and expected texts may stand on one line. */
const others = ['test', 'bench', 'examples', 'kernel', 'config'].flatMap(filesBelow)
const withoutTexts = (line: string): string => line.replace(/'[^']*'|"[^"]*"|`[^`]*`/g, '')
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')

/** Matches of `patterns` in the code of `text`. */
const found = (text: string, patterns: readonly RegExp[]): readonly string[] =>
  patterns.flatMap((pattern) => pattern.exec(withoutComments(text))?.[0] ?? [])

test('tidy reads the whole source tree', () => {
  expect(files.length).toBeGreaterThan(60)
  expect(others.length).toBeGreaterThan(60)
})

test.each(files)('$path takes time, chance and the outside from ports', ({ path, text }) => {
  if (roomOf(path) === 'adapters') return
  expect(found(text, ambient)).toEqual([])
})

test.each(files)('$path has no hole in its types', ({ text }) => {
  expect(found(text, typeHoles)).toEqual([])
})

test.each(files)('$path fits its size', ({ text }) => {
  const lines = text.split('\n')
  const wide = lines.filter((line) => line.length > columnsMax)
  expect(wide).toEqual([])
  expect(lines.length).toBeLessThanOrEqual(linesMax)
})

test.each(others)('$path has no hole in its types and fits its width', ({ path, text }) => {
  const lines = text.split('\n').map(withoutTexts)
  // This file names the holes.
  if (path !== 'test/tidy/bans.test.ts') expect(found(lines.join('\n'), typeHoles)).toEqual([])
  expect(lines.filter((line) => line.length > columnsMax)).toEqual([])
})

/** Whoever loads it elsewhere makes each start compile what nobody asks for. */
const kafkaLibrary = /from '@platformatic\/kafka'|import\('@platformatic\/kafka'\)/

test('one file loads the library of Kafka', () => {
  const loading = files.filter(({ text }) => found(text, [kafkaLibrary]).length > 0)
  expect(loading.map(({ path }) => path)).toEqual(['src/adapters/kafka/library.ts'])
})

test('the bans find what they must', () => {
  expect(found('const at = Date.now()', ambient)).toEqual(['Date.now'])
  expect(found("import { open } from 'node:fs/promises'", ambient)).toEqual(["'node:fs"])
  expect(found('// Date.now() is banned', ambient)).toEqual([])
  expect(found('const x = y as any', typeHoles)).toEqual(['as any'])
})

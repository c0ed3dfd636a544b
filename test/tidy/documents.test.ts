/** What documents name is there: whoever follows a link or a path finds something. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const tracked = execFileSync('git', ['ls-files', '*.md'], { encoding: 'utf8' }).trim().split('\n')
/** Records of runs are of their day. */
const documents = tracked.filter((path) => !path.startsWith('bench/results/'))

const linked = /\]\((?!https?:)([^)#\s]+)/g
const named = /`((?:src|test|bench|docs|examples|config|kernel|docker|proto|bin)\/[^`*|\s]*)`/g
/** What an example downloads, and names that stand for several. */
const isPlaceholder = (path: string): boolean =>
  path === 'examples/flights/data' || /NAME|<|…/.test(path)

/** Paths that a document names, from the top of the tree. */
function pathsIn(document: string): readonly string[] {
  const text = readFileSync(document, 'utf8')
  const links = [...text.matchAll(linked)].map(([, to = '']) => join(dirname(document), to))
  const paths = [...text.matchAll(named)].map(([, path = '']) => path)
  return [...links, ...paths].filter((path) => !isPlaceholder(path))
}

test('each path and each link in a document leads somewhere', () => {
  const found = documents.map((document) => [document, pathsIn(document)] as const)
  const dead = found.flatMap(([document, paths]) =>
    paths.filter((path) => !existsSync(path)).map((path) => `${document}: ${path}`),
  )
  expect(dead).toEqual([])
  expect(documents.length).toBeGreaterThan(30)
  expect(found.flatMap(([, paths]) => paths).length).toBeGreaterThan(300)
})

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const page = readFileSync('docs/brokers-and-stores.md', 'utf8')
/** `test/a.test.ts`: "a sentence" */
const shown = /`(test\/[^`]+\.ts)`: "([^"]+)"/g

test('every test that the page names is there, under that name', () => {
  const named = [...page.matchAll(shown)]
  expect(named.length).toBeGreaterThan(30)
  const missing = named.filter(([, path = '', name = '']) => {
    return !readFileSync(path, 'utf8').includes(`'${name}'`)
  })
  expect(missing.map(([all]) => all)).toEqual([])
})

test('every row of the page names a test', () => {
  const rows = page.split('\n').filter((line) => /^\| [A-Z"]/.test(line))
  expect(rows.length).toBeGreaterThan(25)
  expect(rows.filter((row) => row.search(shown) < 0)).toEqual([])
})

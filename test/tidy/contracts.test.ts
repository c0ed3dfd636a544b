import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogContract } from '../contract/catalog.ts'
import { consumerMembers } from '../contract/consumer-members.ts'
import { lakeContract } from '../contract/lake.ts'
import { movingTopicsContract } from '../contract/moving-topics.ts'
import { notifierContract } from '../contract/notifier.ts'
import { sourceContract } from '../contract/source.ts'
import { staticMembers } from '../contract/static-members.ts'
import { casesOf, type Suite } from '../contract/suite.ts'
import { tailsContract } from '../contract/tails.ts'

const page = readFileSync('docs/contracts.md', 'utf8')
const unasked = (): never => {
  throw new Error('no case is run')
}
/** By the heads of the table's columns. */
const suites = {
  source: { call: 'sourceContract', of: (to: Suite) => sourceContract('', unasked, to) },
  topics: {
    call: 'movingTopicsContract',
    of: (to: Suite) => movingTopicsContract('', unasked, to),
  },
  static: { call: 'staticMembers', of: (to: Suite) => staticMembers('', unasked, to) },
  'KIP-848': { call: 'consumerMembers', of: (to: Suite) => consumerMembers('', unasked, to) },
  lake: { call: 'lakeContract', of: (to: Suite) => lakeContract('', unasked, to) },
  tails: { call: 'tailsContract', of: (to: Suite) => tailsContract('', unasked, to) },
  catalog: { call: 'catalogContract', of: (to: Suite) => catalogContract('', unasked, to) },
  notifier: { call: 'notifierContract', of: (to: Suite) => notifierContract('', unasked, to) },
} as const

/** The cells that a file's row must have: the whole suite, some of it, or nothing. */
function cellsOf(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8')
  return Object.values(suites).map(({ call, of }) => {
    if (!text.includes(`${call}(`)) return ''
    const isPicked = new RegExp(`registerSome\\(.*${call}\\(`).test(text)
    return isPicked ? 'some' : `${casesOf(of).length}`
  })
}

/** Files that run a suite on something that is no lie. */
const running = ['test/contract', 'test/system']
  .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
  .filter((path) => path.endsWith('.test.ts') && !path.includes('lies'))
  .filter((path) => cellsOf(path).some((cell) => cell !== ''))

const rows = [...page.matchAll(/^\| [^|]+ \| `(test\/\S+\.test\.ts)` \|(.*)\|$/gm)]

test('the table of suites and servers has a row for each file that runs a suite', () => {
  expect(running.length).toBeGreaterThan(15)
  expect(new Set(rows.map(([, path]) => path))).toEqual(new Set(running))
  expect(rows.length).toBe(running.length)
})

test.each(rows.map(([, path = '', cells = '']) => ({ path, cells })))(
  'its cells are the suites, and their cases: $path',
  ({ path, cells }) => {
    expect(cells.split('|').map((cell) => cell.trim())).toEqual(cellsOf(path))
  },
)

test('its columns are the suites in their order', () => {
  const head = /^\| server \| run by \|(.*)\|$/m.exec(page)?.[1] ?? ''
  expect(head.split('|').map((cell) => cell.trim())).toEqual(Object.keys(suites))
})

import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { filesBelow, importsOf, roomOf } from './source-tree.ts'

/** Rooms by floor, lowest first. A room imports lower floors only: never up, never sideways. */
const floors = [
  ['base'],
  ['model'],
  ['kernel', 'ports'],
  ['codec', 'protocol'],
  ['source', 'parser', 'etl', 'exporter', 'committer', 'readiness', 'adapters'],
  ['daemon', 'console', 'audit'],
  ['demo'],
  ['cli'],
]

/** Rooms that may see adapters: the composition roots. */
const roots = new Set(['daemon', 'demo', 'cli'])

const files = filesBelow('src')
const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room))

/** Why `from` must not import `to`, or undefined when it may. */
function objection(from: string, to: string): string | undefined {
  if (from === to) return undefined
  if (floorOf(to) >= floorOf(from)) return `${from} is not above ${to}`
  if (to === 'adapters' && !roots.has(from)) return `${from} is no composition root`
  return undefined
}

test('tidy reads the whole source tree', () => {
  expect(files.length).toBeGreaterThan(60)
})

test('every room stands on a floor', () => {
  const rooms = new Set(files.map((file) => roomOf(file.path)))
  expect([...rooms].filter((room) => floorOf(room) === -1)).toEqual([])
})

test.each(files)('$path imports downwards only', ({ path, text }) => {
  const objections = importsOf(text).flatMap((specifier) => {
    const to = roomOf(normalize(join(dirname(path), specifier)))
    const why = objection(roomOf(path), to)
    return why === undefined ? [] : [`${specifier}: ${why}`]
  })
  expect(objections).toEqual([])
})

/** No vendor's: what several of them connect by. */
const shared = 'net'

test('vendors in adapters do not know each other', () => {
  const vendorOf = (path: string): string => path.split('/')[2] ?? ''
  const crossings = files
    .filter((file) => roomOf(file.path) === 'adapters')
    .flatMap((file) =>
      importsOf(file.text)
        .map((specifier) => normalize(join(dirname(file.path), specifier)))
        .filter((to) => roomOf(to) === 'adapters' && vendorOf(to) !== vendorOf(file.path))
        .filter((to) => vendorOf(to) !== shared || vendorOf(file.path) === shared)
        .map((to) => `${file.path} → ${to}`),
    )
  expect(crossings).toEqual([])
})

test('the rule of floors objects to what it must', () => {
  expect(objection('model', 'protocol')).toBeDefined()
  expect(objection('committer', 'readiness')).toBeDefined()
  expect(objection('committer', 'adapters')).toBeDefined()
  expect(objection('daemon', 'adapters')).toBeUndefined()
})

import { expect, test } from 'vitest'
import { UnknownFieldBoard } from '../../../src/daemon/unknown-field-board.ts'

function openBoard() {
  const told = new Map<string, number>()
  const board = new UnknownFieldBoard({
    count: (name, amount, labels = {}) => {
      const key = `${name} ${labels['stream']} ${labels['field']}`
      told.set(key, (told.get(key) ?? 0) + amount)
    },
    gauge: () => undefined,
    observe: () => undefined,
  })
  return { board, told }
}

const metric = 'lakeward_unknown_fields_total'

test('fields of commits are summed by stream, message and number, most frequent first', () => {
  const { board, told } = openBoard()
  const seven = { message: 'A', number: 7, count: 2 }
  const nine = { message: 'A', number: 9, count: 3 }
  board.add({ stream: 's', fields: [seven, nine], otherCount: 0 })
  board.add({ stream: 's', fields: [{ ...seven, count: 5 }], otherCount: 4 })
  board.add({ stream: 't', fields: [nine], otherCount: 0 })
  expect(board.of('s')).toEqual({
    stream: 's',
    fields: [{ ...seven, count: 7 }, nine],
    otherCount: 4,
  })
  expect(Object.fromEntries(told)).toEqual({
    [`${metric} s A:7`]: 7,
    [`${metric} s A:9`]: 3,
    [`${metric} s other`]: 4,
    [`${metric} t A:9`]: 3,
  })
  expect(board.of('nobody')).toEqual({ stream: 'nobody', fields: [], otherCount: 0 })
})

test('numbers that a producer makes up are one label beyond a bound', () => {
  const { board, told } = openBoard()
  const fields = Array.from({ length: 500 }, (_, index) => {
    return { message: 'A', number: index + 1, count: 1 }
  })
  for (let commit = 0; commit < 3; commit++) board.add({ stream: 's', fields, otherCount: 1 })
  expect(told.size).toBe(33)
  expect(told.get(`${metric} s other`)).toBe(3 * (500 - 32 + 1))
  expect([...told.values()].reduce((sum, count) => sum + count, 0)).toBe(3 * 501)
  expect(board.of('s').fields).toHaveLength(32)
})

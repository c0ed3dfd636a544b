import { expect, test } from 'vitest'
import { encodeWriterNote, newestFormatOf } from '../../../../src/codec/log/writer-note.ts'

test('a writer’s note says the newest format it knows; of the first it says nothing', () => {
  expect(Buffer.from(encodeWriterNote(3)).toString()).toBe('{"newestFormat":3}')
  expect(newestFormatOf(encodeWriterNote(3))).toBe(3)
  expect(encodeWriterNote(1)).toHaveLength(0)
  expect(newestFormatOf(encodeWriterNote(1))).toBe(1)
})

test('what is no note, and one with more in it, are read all the same', () => {
  expect(newestFormatOf(Buffer.from('{"newestFormat":2,"name":"x"}'))).toBe(2)
  for (const text of ['{', '[]', '{"newestFormat":0}', '{"newestFormat":"2"}']) {
    expect(newestFormatOf(Buffer.from(text)), text).toBe(1)
  }
})

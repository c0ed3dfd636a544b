import { expect, test } from 'vitest'
import {
  countOption,
  durationOption,
  flagOption,
  type Invocation,
  optionalText,
  textOption,
} from '../../../src/cli/command.ts'
import { alignedRows, jsonText, outputOn } from '../../../src/cli/output.ts'
import { MemoryConfigFiles } from '../daemon/memory-config-files.ts'

/** A call of "status" with these options. */
function withOptions(options: Readonly<Record<string, unknown>>): Invocation {
  const ignore = (): void => undefined
  const terminal = { writeOut: ignore, writeError: ignore, isColoured: false, isInteractive: false }
  return {
    command: 'status',
    arguments: [],
    options,
    output: outputOn(terminal, false),
    files: new MemoryConfigFiles({}),
    stopSignal: () => new AbortController().signal,
  }
}

test('options are read by their kind', () => {
  const call = withOptions({ config: 'a.yaml', watch: true, workers: '4', timeout: '2h' })
  expect(textOption(call, 'config')).toBe('a.yaml')
  expect(optionalText(call, 'none')).toBeUndefined()
  expect(flagOption(call, 'watch')).toBe(true)
  expect(flagOption(call, 'config')).toBe(false)
  expect(countOption(call, 'workers')).toBe(4)
  expect(countOption(call, 'none')).toBeUndefined()
  expect(durationOption(call, 'timeout')).toBe(7_200_000)
  expect(durationOption(call, 'none')).toBeUndefined()
})

test('an option of another kind is refused with its name and what was given', () => {
  const call = withOptions({ workerCount: 'four', exitAfter: '2' })
  expect(() => countOption(call, 'workerCount')).toThrow(
    'lakeward status: --worker-count: "four" is not a whole number',
  )
  expect(() => durationOption(call, 'exitAfter')).toThrow(
    'lakeward status: --exit-after: "2" has no unit; accepted: 500ms, 60s, 5m',
  )
  expect(() => textOption(call, 'config')).toThrow('lakeward status: --config is missing')
})

test('64-bit numbers are text in JSON', () => {
  expect(jsonText({ offset: 2n ** 60n, count: 1 })).toBe(
    '{"offset":"1152921504606846976","count":1}',
  )
})

test('columns are as wide as their widest cell, and lines end with text', () => {
  expect(
    alignedRows([
      ['a', 'bb', ''],
      ['aaa', 'b', 'c'],
    ]),
  ).toEqual(['a    bb', 'aaa  b   c'])
})

import { expect, test } from 'vitest'
import { Check, counted, findingsKeptMax, uncheckable } from '../../../src/audit/check.ts'
import { checkLines, verdictOf } from '../../../src/cli/check-answer.ts'
import { paintOf } from '../../../src/cli/output.ts'

const paint = paintOf(false)

test('a check that found nothing is ok, and tells what it looked at', () => {
  expect(new Check('files').result('3 files')).toMatchObject({ state: 'ok', detail: '3 files' })
})

test('what is wrong weighs more than what could not be looked at', () => {
  const check = new Check('files')
  check.uncheckable('columns not listed')
  check.uncheckable('another reason')
  expect(check.result('')).toMatchObject({ state: 'not-checkable', detail: 'columns not listed' })
  check.fail('"a" is gone')
  expect(check.result('1 file')).toMatchObject({ state: 'failed', detail: '1 wrong; 1 file' })
})

test('findings are kept up to a limit, and all are counted', () => {
  const check = new Check('files', 'app_events')
  for (let file = 0; file <= findingsKeptMax; file++) check.fail(`"${file}" is gone`)
  const result = check.result('many')
  expect(result.findings).toHaveLength(findingsKeptMax)
  expect(result.findingCount).toBe(findingsKeptMax + 1)
  const lines = checkLines([result], paint)
  expect(lines[0]).toBe('files app_events  failed  21 wrong; many')
  expect(lines.at(-1)).toBe('    and 1 more')
})

test('the verdict over checks is the gravest of them', () => {
  const ok = new Check('a').result('')
  const unknown = uncheckable('b', 'nobody answers')
  const bad = new Check('c')
  bad.fail('x')
  expect(verdictOf([ok])).toBe('ok')
  expect(verdictOf([ok, unknown])).toBe('not-checkable')
  expect(verdictOf([ok, unknown, bad.result('')])).toBe('failed')
  expect(checkLines([unknown], paint)).toEqual(['b  not checkable: nobody answers'])
})

test('numbers agree with their nouns', () => {
  expect([counted(0, 'file'), counted(1, 'file'), counted(2n, 'file')]).toEqual([
    '0 files',
    '1 file',
    '2 files',
  ])
})

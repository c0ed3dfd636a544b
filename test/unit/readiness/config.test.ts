import { expect, test } from 'vitest'
import { parseSecretReference } from '../../../src/base/secret.ts'
import { targetName } from '../../../src/readiness/config.ts'

const webhook = (url: string) => {
  const secret = parseSecretReference('env:HOOK')
  if (secret === undefined) throw new Error('a reference')
  return targetName({ kind: 'webhook', url, secret })
}

test('a target is named by what it is and where it is', () => {
  expect(targetName({ kind: 'success-file' })).toBe('success-file')
  expect(webhook('https://host/hook')).toBe('webhook:https://host/hook')
})

test("a URL's query tells targets apart without being shown", () => {
  const [one, other] = [webhook('https://host/hook?token=a'), webhook('https://host/hook?token=b')]
  expect(one).toMatch(/^webhook:https:\/\/host\/hook\?[0-9a-f]{8}$/)
  expect(other).not.toBe(one)
  expect(one).not.toContain('token')
})

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  commandEndsWell,
  requireNamedService,
  requireService,
} from '../../support/require-service.ts'

const written: string[] = []

beforeEach(() => {
  written.length = 0
  vi.stubEnv('LAKEWARD_REQUIRE', '')
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('a service that is there is used, and nothing is said', () => {
  expect(requireService('kcat', () => true)).toBe(true)
  expect(written).toEqual([])
})

test('a missing service is skipped loudly', () => {
  expect(requireService('kcat', () => false)).toBe(false)
  expect(written.join('')).toContain('SKIPPED: tests that need kcat')
})

test('a probe that throws means that the service is missing', () => {
  const probe = (): boolean => {
    throw new Error('no such program')
  }
  expect(requireService('kcat', probe)).toBe(false)
})

test('a missing service fails when it is required', () => {
  vi.stubEnv('LAKEWARD_REQUIRE', 'pyarrow, kcat')
  expect(() => requireService('kcat', () => false)).toThrow('kcat is missing')
  expect(requireService('hive', () => false)).toBe(false)
})

test('the services of the gate are required by one word, everything by another', () => {
  vi.stubEnv('LAKEWARD_REQUIRE', 'pyarrow, services')
  expect(() => requireService('kafka-4', () => false)).toThrow('kafka-4 is missing')
  expect(requireService('kafka-3', () => false)).toBe(false)
  vi.stubEnv('LAKEWARD_REQUIRE', 'all')
  expect(() => requireService('kafka-3', () => false)).toThrow('kafka-3 is missing')
})

test('what takes minutes runs where it is named, and is skipped loudly elsewhere', () => {
  expect(requireNamedService('kafka-4-three', () => true)).toBe(false)
  expect(written.join('')).toContain('which LAKEWARD_REQUIRE does not name')
  vi.stubEnv('LAKEWARD_REQUIRE', 'all')
  expect(requireNamedService('kafka-4-three', () => true)).toBe(true)
  expect(() => requireNamedService('kafka-4-three', () => false)).toThrow('is missing')
})

test('a command that is not there does not end well', () => {
  expect(commandEndsWell('lakeward-no-such-command', [])).toBe(false)
  expect(commandEndsWell(process.execPath, ['-e', ''])).toBe(true)
  expect(commandEndsWell(process.execPath, ['-e', 'process.exit(1)'])).toBe(false)
})

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const script = new URL('./load-library.ts', import.meta.url).pathname

interface Loaded {
  readonly whileLoading: number
  readonly isDelaying: boolean
  readonly refusals: readonly string[]
}

/** In a process of its own: modules are loaded once. */
async function loaded(how: 'late' | 'at-once'): Promise<Loaded> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, how])
  return JSON.parse(stdout) as Loaded
}

test('the library loads without compiling a schema, and validates as ever', async () => {
  const [late, atOnce] = [await loaded('late'), await loaded('at-once')]
  expect(atOnce.whileLoading).toBeGreaterThan(30)
  expect(late.whileLoading).toBe(0)
  expect(late.isDelaying).toBe(false)
  expect(late.refusals).toEqual(atOnce.refusals)
  expect(late.refusals.map((refusal) => refusal === 'taken')).toEqual([false, false, true])
})

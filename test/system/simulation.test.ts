/** As many simulated worlds as a landing asks for, through the command that anybody runs. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const seeds = 500
const run = join(import.meta.dirname, '..', 'sim', 'run.ts')

test('no promise is broken in five hundred worlds', { timeout: 600_000 }, () => {
  const { status, stdout } = spawnSync(process.execPath, [run, '--seeds', String(seeds)], {
    encoding: 'utf8',
  })
  const lines = stdout.trimEnd().split('\n')
  const said = JSON.parse(lines.at(-1) ?? '') as { seeds: number; violations: number }
  // What failed tells its replay, which the lines before the last one hold.
  expect(said.violations, stdout).toBe(0)
  expect(said.seeds).toBe(seeds)
  expect(status).toBe(0)
})

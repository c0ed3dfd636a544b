/**
 * Every branch of `src/protocol` is taken by the unit and property tests of these decisions.
 *
 *     npm run branches
 *
 * Prints "src/protocol/fold.ts:160 if, way 1" for each that is not. Exits 1 when there is one, when
 * a test failed, or when a file was not looked at.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type FileCoverage, untakenIn } from './untaken.ts'

const judged = 'src/protocol'
const tests = [
  'test/unit/protocol',
  'test/unit/readiness',
  'test/property/log',
  'test/property/calendar.test.ts',
  'test/property/readiness',
] as const

/** @returns false when a test failed. */
function runTests(folder: string): boolean {
  const coverage = [
    '--coverage.enabled',
    '--coverage.provider=v8',
    `--coverage.include=${judged}/**/*.ts`,
    '--coverage.reporter=json',
    `--coverage.reportsDirectory=${folder}`,
  ]
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', '--project', 'fast', '--reporter=dot', ...coverage, ...tests]
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0
}

/** @returns whether every file was looked at, and nothing found, which it prints. */
function judge(report: string): boolean {
  const files = Object.entries(JSON.parse(report) as Record<string, FileCoverage>)
  let untaken = 0
  for (const [path, coverage] of files.sort(([one], [other]) => (one < other ? -1 : 1))) {
    for (const { line, what } of untakenIn(coverage)) {
      console.error(`${relative(process.cwd(), path)}:${line} ${what}`)
      untaken += 1
    }
  }
  const wanted = readdirSync(judged).filter((name) => name.endsWith('.ts')).length
  console.log(`${judged}: ${files.length} of ${wanted} files, ${untaken} branches not taken`)
  return untaken === 0 && files.length === wanted && wanted > 0
}

const folder = mkdtempSync(join(tmpdir(), 'lakeward-branches-'))
try {
  // Where a test failed there is no report.
  const isWhole = runTests(folder)
  const report = join(folder, 'coverage-final.json')
  process.exitCode = isWhole && judge(readFileSync(report, 'utf8')) ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * Runs all tests and closes with one line that machines can read: "N passed, N failed, N skipped".
 *
 * Exits 1 when a test failed or when none ran. Skipped tests of missing services are counted.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numFailedTestSuites: number
}

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' })
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

const folder = mkdtempSync(join(tmpdir(), 'lakeward-tests-'))
const reportPath = join(folder, 'report.json')
try {
  const exitCode = await run(process.execPath, [
    join('node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    ...process.argv.slice(2),
  ])
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as Report
  const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = report
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  const broken = failed > 0 || report.numFailedTestSuites > 0 || passed === 0
  process.exitCode = broken ? 1 : exitCode
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * Runs readers over the golden files, keeps what they say in results.json, and writes
 * docs/compatibility.md from it.
 *
 *     node test/golden/readers/record.ts               the page only
 *     node test/golden/readers/record.ts ID …          these readers, then the page
 *     node test/golden/readers/record.ts there         all readers that are there, then the page
 *
 * To be run in a clean tree: a result is kept with the commit that made the files. How the readers
 * are installed stands in README.md beside this file.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { compatibilityPage, pagePath, type Results, resultsPath } from './compatibility-page.ts'
import { judgementOf, writeGoldenFiles } from './golden-folder.ts'
import { readers } from './readers.ts'

const git = (...given: readonly string[]): string =>
  execFileSync('git', given, { encoding: 'utf8' }).trim()

/** The commit that the files come from; with "+" where what makes them was changed since. */
function commit(): string {
  const changed = git('status', '--porcelain', '--', 'src', 'kernel', 'test/golden/features')
  return `${git('rev-parse', '--short=12', 'HEAD')}${changed === '' ? '' : '+'}`
}

const asked = process.argv.slice(2)
const chosen = readers.filter(
  (reader) => asked.includes(reader.id) || (asked.includes('there') && reader.isThere()),
)
const strange = asked.filter((id) => id !== 'there' && !readers.some((reader) => reader.id === id))
if (strange.length > 0) throw new Error(`no reader has the name "${strange.join('", "')}"`)

let results = JSON.parse(readFileSync(resultsPath, 'utf8')) as Results
await using folder = await temporaryFolder()
const files = chosen.length > 0 ? writeGoldenFiles(folder.path) : new Map<never, string>()
for (const reader of chosen) {
  const began = performance.now()
  const { version, verdicts } = await judgementOf(reader, files)
  const seconds = Math.round((performance.now() - began) / 1_000)
  const equal = Object.values(verdicts).filter(({ kind }) => kind === 'equal').length
  console.log(`${reader.id} ${version}: ${equal} of ${files.size} equal, ${seconds} s`)
  const on = { date: new Date().toISOString().slice(0, 10), commit: commit() }
  results = { ...results, [reader.id]: { version, ...on, verdicts } }
  writeFileSync(resultsPath, JSON.stringify(results, null, 2))
  execFileSync('node_modules/.bin/biome', ['format', '--write', resultsPath], { stdio: 'ignore' })
}
writeFileSync(pagePath, compatibilityPage(results))

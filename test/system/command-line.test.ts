/** The command line as a process: entry file, exit codes, streams. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const entry = join('bin', 'lakeward.js')
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lakeward-cli-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function node(...words: readonly string[]): Ended {
  return spawnSync(process.execPath, words, { encoding: 'utf8' })
}

test('the example configuration is checked, and its columns are named', () => {
  const { status, stdout, stderr } = node(entry, 'check', '-c', 'config/lakeward.yaml')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const columns = [
    'event_name string',
    'labels map<string, string>',
    '_offset int64',
    'load_ms int32',
  ]
  for (const column of columns) expect(stdout).toContain(column)
  expect(stdout).not.toContain('\u001b[')
})

test('a wrong configuration ends with exit code 2 and answers nothing', () => {
  const { status, stdout, stderr } = node(entry, 'check', '-c', 'package.json')
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toMatch(/^error: configuration "package.json" is refused\n/)
})

test('a reader that has seen enough is no failure', () => {
  const line = `"${process.execPath}" ${entry} check -c config/lakeward.yaml; echo "ended $?" >&2`
  const { stderr } = spawnSync('bash', ['-c', `(${line}) | true`], { encoding: 'utf8' })
  expect(stderr).toBe('ended 0\n')
})

test('an older Node.js is told which one is needed, with exit code 2', () => {
  const older = 'Object.defineProperty(process,"versions",{value:{node:"20.19.0"}})'
  const { status, stdout, stderr } = node(
    '--import',
    `data:text/javascript,${older}`,
    entry,
    'check',
  )
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toMatch(/^lakeward needs Node.js 24 or newer, this is 20.19.0\n.*npm ci/s)
})

test('the entry file is begun with flags that an older Node.js knows, and says so itself', () => {
  const [first = ''] = readFileSync(entry, 'utf8').split('\n')
  const flags = first.split(' ').filter((word) => word.startsWith('--'))
  // Whatever Node.js 18 does not know it refuses before it reads the first line.
  expect(flags).toEqual([
    '--single-threaded-gc',
    '--initial-heap-size=160',
    '--max-semi-space-size=16',
  ])
})

/** A tree with the entry file, and programs that say which they are. */
function plantTree(top: string, programs: readonly string[]): string {
  mkdirSync(join(top, 'bin'), { recursive: true })
  cpSync(entry, join(top, 'bin', 'lakeward.js'))
  writeFileSync(join(top, 'package.json'), '{ "type": "module" }')
  for (const program of programs) {
    mkdirSync(join(top, program, '..'), { recursive: true })
    writeFileSync(join(top, program), `console.log(${JSON.stringify(program)})`)
  }
  return join(top, 'bin', 'lakeward.js')
}

const source = 'src/cli/main.ts'
const compiled = 'dist/cli/main.js'

test.each([
  ['a checkout runs its source', 'checkout', [source, compiled], source],
  ['a package without source runs what is compiled', 'package', [compiled], compiled],
  [
    'below node_modules what is compiled runs',
    'a/node_modules/lakeward',
    [source, compiled],
    compiled,
  ],
])('%s', (_, place, programs, ran) => {
  const planted = plantTree(join(folder, place), programs)
  expect(node(planted).stdout.trim()).toBe(ran)
})

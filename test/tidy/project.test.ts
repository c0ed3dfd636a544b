import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const all = Object.entries({
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.peerDependencies,
})
const runtimeMax = 10

test('every dependency has an exact version', () => {
  expect(all.length).toBeGreaterThan(10)
  expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
})

test('runtime dependencies stay few', () => {
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(runtimeMax)
})

test('every dependency has its line in docs/dependencies.md, and no other', () => {
  const listed = [...readFileSync('docs/dependencies.md', 'utf8').matchAll(/^\| `([^`]+)` \|/gm)]
  expect(listed.length).toBe(all.length)
  expect(new Set(listed.map(([, name]) => name))).toEqual(new Set(all.map(([name]) => name)))
})

test('nothing in the tree names the place it was made in', () => {
  const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')
  const texts = files.filter((path) => /\.(ts|md|json|ya?ml|sh|js|proto|toml)$|^\.ci\//.test(path))
  expect(texts.length).toBeGreaterThan(60)
  const place = new RegExp(['/work/', '/root/', '/tmp/', 'registry\\.npmjs'].join('|'))
  const named = texts.filter((path) => {
    if (path === 'test/tidy/project.test.ts') return false
    return place.test(readFileSync(path, 'utf8'))
  })
  expect(named).toEqual([])
})

test('the demo starts Node.js with the flags of the command', () => {
  const [firstLine = ''] = readFileSync('bin/lakeward.js', 'utf8').split('\n')
  const flags = firstLine.split(' ').filter((word) => word.startsWith('--'))
  expect(flags.length).toBeGreaterThan(0)
  expect(manifest.scripts['demo']).toBe(`node ${flags.join(' ')} bin/lakeward.js demo`)
})

test('each ADR has a number of its own, and bears it', () => {
  const names = readdirSync('docs/adr')
  expect(names.length).toBeGreaterThan(10)
  const numbers = names.map((name) => name.slice(0, 4))
  expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([])
  const strange = names.filter(
    (name) => !readFileSync(`docs/adr/${name}`, 'utf8').startsWith(`# ${name.slice(0, 4)} `),
  )
  expect(strange).toEqual([])
})

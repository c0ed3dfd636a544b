import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { refusalOf } from '../sim/patched.ts'
import { plantedPatches } from '../sim/planted.ts'
import { filesBelow } from './source-tree.ts'

const files = filesBelow('test/sim')
const patches = plantedPatches()

/** Names that a file imports, by the module they come from. */
function importedNames(text: string): ReadonlyMap<string, string> {
  const pattern = /import (?:type )?\{([^}]*)\} from '([^']+)'/g
  const names = [...text.matchAll(pattern)].flatMap(([, list = '', from = '']) =>
    list.split(',').map((name): [string, string] => [name.replace(/\btype\b/, '').trim(), from]),
  )
  return new Map(names)
}

const isPort = (from: string | undefined): boolean => from?.includes('/src/ports/') === true
const isSim = (from: string | undefined): boolean => from === undefined || from.startsWith('./')

/** What stands in for something of ours that is not a port. */
function objections(text: string): readonly string[] {
  const from = importedNames(text)
  const names = (pattern: RegExp): readonly string[] =>
    [...text.matchAll(pattern)].flatMap(([, list = '']) => list.split(',').map((at) => at.trim()))
  const stands = names(/\bclass \w+(?: extends \w+(?:<[^{]*>)?)? implements ([^{]+?) ?\{/g)
  const grown = names(/\bclass \w+ extends (\w+)/g)
  const replaced = /\b(vi\.\w+|mock\.module|registerHooks|\w+\.prototype)\b/.exec(text)?.[0]
  return [
    ...stands.filter((name) => !isPort(from.get(name)) && !isSim(from.get(name))),
    ...grown.filter((name) => from.has(name) && !isSim(from.get(name))),
    ...(replaced === undefined ? [] : [replaced]),
  ]
}

/** What a judge imports that is neither its own, nor a type, nor somebody else's library. */
function foreignTo(text: string): readonly string[] {
  const imports = [...text.matchAll(/^import ([\s\S]*?) from '([^']+)'$/gm)]
  return imports.flatMap(([, names = '', from = '']) => {
    const isOwn = from.startsWith('./') || /^(node:\w+|zod|hyparquet)$/.test(from)
    const isWorldsType = names.startsWith('type ') && /^\.\.\/[\w-]+\.ts$/.test(from)
    return isOwn || isWorldsType ? [] : [from]
  })
}

test.each(files)('$path fakes ports only', ({ text }) => {
  expect(objections(text)).toEqual([])
})

test('the simulation fakes ports, and runs the real daemon', () => {
  const texts = files.map(({ text }) => text)
  const faked = texts.flatMap((text) => {
    const from = importedNames(text)
    return [...text.matchAll(/ implements (\w+)/g)].filter(([, name = '']) =>
      isPort(from.get(name)),
    )
  })
  expect(faked.length).toBeGreaterThan(3)
  const daemons = texts.filter((text) => text.includes('new Daemon('))
  expect(daemons).toHaveLength(1)
  expect(importedNames(daemons[0] ?? '').get('Daemon')).toBe('../../src/daemon/daemon.ts')
})

test('the judge has no code of the product', () => {
  const judges = files.filter(({ path }) => path.startsWith('test/sim/judge/'))
  expect(judges.length).toBeGreaterThan(5)
  for (const { path, text } of judges) expect(foreignTo(text), path).toEqual([])
  expect(foreignTo("import { x } from '../../../src/protocol/fold.ts'\n")).not.toEqual([])
  expect(foreignTo("import { x } from '../lake.ts'\n")).not.toEqual([])
})

test('the ban finds what it must', () => {
  const committer = "import { Committer } from '../../src/committer/committer.ts'\n"
  expect(objections(`${committer}class Fake extends Committer {`)).toEqual(['Committer'])
  expect(objections(`${committer}class Fake implements Committer {`)).toEqual(['Committer'])
  expect(objections('vi.mock(path)')).toEqual(['vi.mock'])
  const lake = "import type { Lake } from '../../src/ports/lake.ts'\n"
  expect(objections(`${lake}class SimLake implements Lake {`)).toEqual([])
})

test('there are as many planted bugs as ever', () => {
  expect(patches.length).toBeGreaterThanOrEqual(50)
})

test.each(patches.map((path) => ({ name: basename(path), path })))(
  'planted bug $name applies to the sources of today, and to nothing else',
  ({ path }) => {
    expect(refusalOf(path)).toBeUndefined()
    const changed = [...readFileSync(path, 'utf8').matchAll(/^\+\+\+ b\/(.*)$/gm)]
    expect(changed.length).toBeGreaterThan(0)
    for (const [, file] of changed) expect(file).toMatch(/^src\//)
  },
)

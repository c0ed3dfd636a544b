import { cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type * as build from '../../../kernel/build.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const root = join(import.meta.dirname, '..', '..', '..')

function isBuild(module: unknown): module is typeof build {
  return typeof module === 'object' && module !== null && 'compileKernel' in module
}

test('the committed kernel is what its source compiles to, in any folder', async () => {
  await using temporary = await temporaryFolder()
  const folder = join(temporary.path, 'some', 'deeper')
  await mkdir(folder, { recursive: true })
  await cp(join(root, 'kernel'), join(folder, 'kernel'), { recursive: true })
  await cp(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const elsewhere: unknown = await import(pathToFileURL(join(folder, 'kernel/build.ts')).href)
  if (!isBuild(elsewhere)) throw new TypeError('the copied build script has compileKernel')
  const source = elsewhere.kernelModuleSource(await elsewhere.compileKernel())
  const committed = await readFile(join(root, 'src/kernel/gen/kernel-module.ts'), 'utf8')
  expect(source.length).toBeGreaterThan(10_000)
  expect(committed === source, 'run npm run build:kernel').toBe(true)
}, 120_000)

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LocalConfigFiles } from '../../../../src/adapters/local/config-files.ts'

const files = new LocalConfigFiles()
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lakeward-config-files-'))
  await mkdir(join(folder, 'streams', 'below'), { recursive: true })
  await writeFile(join(folder, 'streams', 'b.yaml'), 'name: b\n')
  await writeFile(join(folder, 'streams', 'a.yaml'), '\ufeffname: ä\n')
  await writeFile(join(folder, 'latin-1.yaml'), Buffer.from([0xe4, 0x0a]))
})

afterAll(() => rm(folder, { recursive: true }))

test('text is read without the mark at its start', async () => {
  expect(await files.readText(join(folder, 'streams', 'a.yaml'))).toBe('name: ä\n')
})

test('a file that is not there, and one below a file, are no text', async () => {
  expect(await files.readText(join(folder, 'none.yaml'))).toBeUndefined()
  expect(await files.readText(join(folder, 'latin-1.yaml', 'none.yaml'))).toBeUndefined()
})

test.each(['latin-1.yaml', 'streams'])('%s cannot be read as text: a fault', async (name) => {
  const file = join(folder, name)
  await expect(files.readText(file)).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
    message: expect.stringContaining(`could not read "${file}": `),
  })
})

test('files of a folder are listed sorted, without folders', async () => {
  expect(await files.listFiles(join(folder, 'streams'))).toEqual(['a.yaml', 'b.yaml'])
  expect(await files.listFiles(join(folder, 'none'))).toEqual([])
  expect(await files.listFiles(join(folder, 'latin-1.yaml'))).toEqual([])
})

test('the environment is that of the process', () => {
  expect(files.environment('PATH')).toBe(process.env['PATH'])
  expect(files.environment('LAKEWARD_THAT_NOBODY_SETS')).toBeUndefined()
})

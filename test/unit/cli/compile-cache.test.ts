/** What a start keeps for the next one. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { writeChaosConfig } from '../../chaos/numbered.ts'
import { eventually } from '../../support/eventually.ts'
import { LakewardProcess } from '../../support/processes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const script = new URL('../../../bin/lakeward.js', import.meta.url).pathname
const name = `lakeward-compiled-${process.getuid?.() ?? 'own'}`

async function version(tmp: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
  const { NODE_COMPILE_CACHE: _none, NODE_DISABLE_COMPILE_CACHE: _on, ...env } = process.env
  const options = { env: { ...env, TMPDIR: tmp, ...more }, timeout: 60_000 }
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--version'], options)
  return stdout
}

const kept = (folder: string): Promise<readonly string[]> => readdir(folder, { recursive: true })

test('what was compiled is kept in a folder of the user alone', async () => {
  await using tmp = await temporaryFolder()
  expect(await version(tmp.path)).toMatch(/^\d+\.\d+\.\d+\n$/)
  const folder = join(tmp.path, name)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  const files = await kept(folder)
  expect(files.length).toBeGreaterThan(10)
  await version(tmp.path)
  expect((await kept(folder)).length).toBe(files.length)
})

test('nothing is kept where others may write, and nothing is said of it', async () => {
  await using tmp = await temporaryFolder()
  const open = join(tmp.path, name)
  await mkdir(open)
  await chmod(open, 0o777)
  expect(await version(tmp.path)).toMatch(/^\d/)
  expect(await kept(open)).toEqual([])
})

test.each(['/proc', '/nowhere/at/all', script])(
  'a place for temporary files that takes none, %s, keeps nothing and holds up nobody',
  async (tmp) => {
    expect(await version(tmp)).toMatch(/^\d/)
  },
)

test('nothing is kept behind a link that somebody else may have laid', async () => {
  await using tmp = await temporaryFolder()
  await using elsewhere = await temporaryFolder()
  await symlink(elsewhere.path, join(tmp.path, name))
  expect(await version(tmp.path)).toMatch(/^\d/)
  expect(await kept(elsewhere.path)).toEqual([])
})

test('NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE keeps nothing', async () => {
  await using tmp = await temporaryFolder()
  await using elsewhere = await temporaryFolder()
  await version(tmp.path, { NODE_DISABLE_COMPILE_CACHE: '1' })
  expect(await kept(join(tmp.path, name))).toEqual([])
  await version(tmp.path, { NODE_COMPILE_CACHE: elsewhere.path })
  expect(await kept(join(tmp.path, name))).toEqual([])
  expect((await kept(elsewhere.path)).length).toBeGreaterThan(10)
})

test('a daemon keeps what it compiled as soon as it has started: it may be killed', async () => {
  await using tmp = await temporaryFolder()
  const path = await writeChaosConfig(tmp.path, { brokerPort: 1, assignment: 'group' })
  const { NODE_COMPILE_CACHE: _none, ...env } = process.env
  const set = { ...env, NODE_COMPILE_CACHE: join(tmp.path, 'kept') }
  const daemon = new LakewardProcess(['run', '-c', path], { env: set })
  try {
    await daemon.line('"event":"started"')
    await eventually('the modules of a daemon are kept', 30_000, async () =>
      (await kept(set.NODE_COMPILE_CACHE)).length > 500 ? true : undefined,
    )
  } finally {
    await daemon.kill()
  }
})

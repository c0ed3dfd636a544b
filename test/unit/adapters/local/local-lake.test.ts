import { existsSync } from 'node:fs'
import { chmod, link, mkdir, readdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getuid } from 'node:process'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { lakeFaultOf } from '../../../../src/adapters/local/file-errors.ts'
import { LocalLake } from '../../../../src/adapters/local/local-lake.ts'
import { Fault } from '../../../../src/base/fault.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('the url of a local lake', () => {
  test('is a path, absolute or relative to a folder, or a file url', () => {
    expect(new LocalLake('file:./lake', '/srv/growth').folder).toBe('/srv/growth/lake')
    expect(new LocalLake('file:/data/lake', '/srv/growth').folder).toBe('/data/lake')
    expect(new LocalLake(pathToFileURL('/data/a lake').href).folder).toBe('/data/a lake')
    expect(() => new LocalLake('s3://bucket')).toThrow(/file:/)
  })
})

describe('a local lake', () => {
  test('never leaves its folder', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}`)
    for (const path of ['../x', 'a/../../x', '/x', 'a//x', './x', '', 'a/\0']) {
      await expect(lake.read(path), path).rejects.toThrow(/stays below the lake/)
    }
  })

  test('shows no put in flight as an object, and leaves none behind', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}`)
    await lake.putIfAbsent('log/1.json', bytes('one'))
    await lake.putIfAbsent('log/1.json', bytes('two'))
    await lake.put('log/2.json', bytes('three'))
    expect((await readdir(join(folder.path, 'log'))).sort()).toEqual(['1.json', '2.json'])
    // What a killed process leaves: it names the entry that it was a put of.
    await writeFile(join(folder.path, 'log', '.3.json.0123456789abcdef.put'), 'torn')
    expect((await lake.list('log')).map(({ path }) => path)).toEqual(['log/1.json', 'log/2.json'])
    expect(await lake.putIfAbsent('log/3.json', bytes('whole'))).toEqual({ kind: 'created' })
  })

  test('finishes a move that died between its two halves', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}`)
    await lake.put('from', bytes('moved'))
    await mkdir(join(folder.path, 'aside'))
    await link(join(folder.path, 'from'), join(folder.path, 'aside', 'to'))
    expect(await lake.move('from', 'aside/to')).toBe(true)
    expect((await lake.list('aside')).map(({ path }) => path)).toEqual(['aside/to'])
    expect(await lake.stat('from')).toBeUndefined()
  })

  test('shows what a killed put left in a staging folder, for it is cleaned whole', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}`)
    const at = '_lakeward/growth/_staging'
    const died = `${at}/.9f3a-41.json.0123456789abcdef.put`
    await lake.put(`${at}/9f3a-40.json`, bytes('x'))
    await writeFile(join(folder.path, died), 'torn')
    await lake.remove(`${at}/9f3a-40.json`)
    expect((await lake.list(at)).map(({ path }) => path)).toEqual([died])
    await lake.remove(died)
    expect(await readdir(join(folder.path, at))).toEqual([])
  })

  test('makes a put again that somebody took for a dead one and cleaned away', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}`)
    let removed = 0
    for (let commit = 0; removed === 0; commit++) {
      const at = `t/_staging/${commit}`
      let isPut = false
      const putting = lake.putIfAbsent(`${at}/head.json`, bytes('journal')).finally(() => {
        isPut = true
      })
      // The first that is seen, with its folder: the next one is let be.
      while (!isPut && removed === 0) {
        for (const name of await readdir(join(folder.path, at)).catch(() => [])) {
          if (!name.endsWith('.put')) continue
          const path = join(folder.path, at, name)
          await unlink(path).then(
            () => removed++,
            () => {},
          )
        }
      }
      expect(await putting).toEqual({ kind: 'created' })
      expect((await lake.list(at)).map(({ path }) => path)).toEqual([`${at}/head.json`])
    }
  })

  test('takes the emptied folder of one commit away, and never one that holds something', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}`)
    const commit = `${'9f3ac1d2b0e4a677'.repeat(2)}-41`
    await lake.put(`t/_staging/${commit}/0.staged`, bytes('x'))
    await lake.put(`t/_staging/${commit}/head.json`, bytes('x'))
    await lake.put('t/_staging/growth/0.staged', bytes('x'))
    await lake.remove(`t/_staging/${commit}/0.staged`)
    expect(await readdir(join(folder.path, 't/_staging'))).toEqual([commit, 'growth'])
    await lake.remove(`t/_staging/${commit}/head.json`)
    // That of a pipeline is shared by all of its commits.
    await lake.remove('t/_staging/growth/0.staged')
    expect(await readdir(join(folder.path, 't/_staging'))).toEqual(['growth'])
  })

  test('that is not writable refuses, with path and reason, and can be read', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}/lake`)
    // A file where a folder must be is refused for root, too, whom permissions do not stop.
    await writeFile(join(folder.path, 'lake'), 'not a folder')
    await expect(lake.putIfAbsent('log/1.json', bytes('x'))).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { operation: 'put', path: 'log/1.json' },
    })
    expect(await lake.read('log/1.json')).toBeUndefined()
  })

  test.skipIf(getuid?.() === 0)('without permission is a refusal', async () => {
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o500)
    const lake = new LocalLake(`file:${folder.path}`)
    await expect(lake.put('x', bytes('x'))).rejects.toMatchObject({ code: 'LAKE_REFUSED' })
    await chmod(folder.path, 0o700)
  })

  test.skipIf(!existsSync('/dev/full'))('on a full disk refuses', async () => {
    await using folder = await temporaryFolder()
    const lake = new LocalLake(`file:${folder.path}`)
    await mkdir(join(folder.path, 't/_staging/c'), { recursive: true })
    // Every write to this device fails as on a full disk.
    await symlink('/dev/full', join(folder.path, 't/_staging/c/0.staged'))
    const place = { stagedPath: 't/_staging/c/0.staged', path: 't/0.parquet' }
    await expect(lake.stage({ ...place, chunks: [bytes('rows')] })).rejects.toMatchObject({
      code: 'LAKE_REFUSED',
      facts: { operation: 'stage', reason: expect.stringContaining('ENOSPC') },
    })
  })
})

describe('an error of the file system', () => {
  const errorOf = (code: string): Error =>
    Object.assign(new Error(`${code}: said the system`), { code, errno: -1 })

  test.each(['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EPERM'])('%s is a refusal', (code) => {
    const fault = lakeFaultOf(errorOf(code), 'put', 'log/1.json')
    expect(fault).toMatchObject({ code: 'LAKE_REFUSED', retry: 'backoff' })
    expect((fault as Fault).message).toBe(
      `the lake refused to put "log/1.json": ${code}: said the system`,
    )
    expect((fault as Fault).cause).toMatchObject({ code })
  })

  test.each(['EIO', 'ESTALE', 'EMFILE', 'ETIMEDOUT'])('%s is trouble that may pass', (code) => {
    expect(lakeFaultOf(errorOf(code), 'read', 'x')).toMatchObject({ code: 'LAKE_UNAVAILABLE' })
  })

  test('that is not the system’s is thrown on as it is', () => {
    const bug = new TypeError('ours')
    expect(lakeFaultOf(bug, 'read', 'x')).toBe(bug)
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { lakeContract } from './lake.ts'

lakeContract('local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lakeward-lake-'))
  const another = (): LocalLake => new LocalLake(`file:${join(folder, 'not', 'made', 'yet')}`)
  return {
    lake: another(),
    another,
    close: () => rm(folder, { recursive: true }),
  }
})

import { FakeMetastore } from '../support/fake-metastore.ts'
import { metastoreDatabase, metastoreWorld } from '../support/metastore-world.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { CatalogWorld } from './catalog.ts'

/** A catalog over a fake metastore of its own. */
export async function fakeMetastoreWorld(): Promise<CatalogWorld> {
  const metastore = await FakeMetastore.start()
  const folder = await temporaryFolder()
  metastore.createDatabase(metastoreDatabase)
  const world = await metastoreWorld(metastore.port, folder.path)
  const close = async (): Promise<void> => {
    await world.close()
    await metastore.close()
    await folder[Symbol.asyncDispose]()
  }
  return { ...world, close }
}

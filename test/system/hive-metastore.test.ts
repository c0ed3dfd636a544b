/** The catalog contract, and what happens to calls, on real metastores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogContract } from '../contract/catalog.ts'
import { vitestSuite } from '../contract/suite.ts'
import { metastoreVersion } from '../support/metastore-version.ts'
import { hiveCatalogAt, metastoreDatabase, metastoreWorld } from '../support/metastore-world.ts'
import { hasMetastore, type MetastoreName, RealMetastore } from '../support/real-metastore.ts'

const versions = { hive: '4.0.1', 'hive-3': '3.0' } as const satisfies Record<MetastoreName, string>
const signal = new AbortController().signal

describe.each(['hive', 'hive-3'] as const)('the metastore of %s', (name) => {
  describe.skipIf(!hasMetastore(name))('over one start', () => {
    let metastore: RealMetastore
    beforeAll(async () => {
      metastore = await RealMetastore.start(name)
      await metastore.createDatabase(metastoreDatabase)
    })
    afterAll(() => metastore?.close())

    const open = () => metastoreWorld(metastore.port, metastore.folder)
    catalogContract(name, open, vitestSuite)

    test('is of the version that the service names', async () => {
      expect(await metastoreVersion(metastore.port)).toBe(versions[name])
    })

    test('that is killed in mid-call fails the call, and serves the same client again', async () => {
      const catalog = hiveCatalogAt(metastore.port)
      expect(await catalog.probe(signal)).toContain(metastoreDatabase)
      await metastore.pause()
      const asked = catalog.probe(signal)
      asked.catch(() => {})
      await metastore.kill()
      await expect(asked).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' })
      await expect(catalog.probe(signal)).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' })
      await metastore.startAgain()
      expect(await catalog.probe(signal)).toContain(metastoreDatabase)
      const [shown] = await catalog.read('events_9', ['dt=2026-11-20/hour=13'], signal)
      expect(shown).toMatchObject({ revision: 1 })
      await catalog.close()
    })
  })
})

import { catalogContract } from './catalog.ts'
import { fakeMetastoreWorld } from './fake-metastore-world.ts'

catalogContract('fake metastore', fakeMetastoreWorld)

import { SimLake } from '../sim/lake.ts'
import { lakeContract } from './lake.ts'

lakeContract('simulated', async () => {
  const lake = new SimLake()
  return { lake, another: () => new SimLake({ store: lake.store }), close: async () => {} }
})

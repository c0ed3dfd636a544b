import { SimLake } from '../sim/lake.ts'
import { lakeContract } from './lake.ts'
import { tailsContract } from './tails.ts'

for (const kind of ['file', 's3', 'hdfs'] as const) {
  lakeContract(`simulated, as ${kind}`, async () => {
    const lake = new SimLake({ kind })
    const another = (): SimLake => new SimLake({ kind, store: lake.store })
    return { lake, another, close: async () => {} }
  })
}

tailsContract('simulated', async () => {
  const lake = new SimLake({ kind: 'hdfs' })
  const another = (): SimLake => new SimLake({ kind: 'hdfs', store: lake.store })
  return { lake, another, close: async () => {} }
})

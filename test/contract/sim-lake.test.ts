import { SimLake } from '../sim/lake.ts'
import { lakeContract } from './lake.ts'

lakeContract('simulated', async () => ({ lake: new SimLake(), close: async () => {} }))

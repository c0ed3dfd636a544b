import { SimKafka } from '../sim/source.ts'
import { simWorld } from './sim-world.ts'
import { sourceContract } from './source.ts'

sourceContract('simulated', async () => simWorld(new SimKafka()))

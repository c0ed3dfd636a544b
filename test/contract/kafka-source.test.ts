import { KafkaWorld } from '../support/kafka-world.ts'
import { embeddedWorld } from './embedded-world.ts'
import { sourceContract } from './source.ts'

sourceContract('kafka adapter on the embedded broker', async () =>
  embeddedWorld(await KafkaWorld.open()),
)

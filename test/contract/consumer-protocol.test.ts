/** The contracts of sources once more, as members of groups of KIP-848. */
import { afterAll, beforeAll, describe } from 'vitest'
import { KafkaWorld } from '../support/kafka-world.ts'
import { consumerMembers } from './consumer-members.ts'
import { embeddedMovingWorld, embeddedWorld } from './embedded-world.ts'
import { movingTopicsContract } from './moving-topics.ts'
import { sourceContract } from './source.ts'

sourceContract('groups of KIP-848 on the embedded broker', async () =>
  embeddedWorld(await KafkaWorld.open(), 'consumer'),
)
movingTopicsContract('moving topics of groups of KIP-848', () => embeddedMovingWorld('consumer'))

describe('one broker', () => {
  let world: KafkaWorld | undefined
  beforeAll(async () => {
    world = await KafkaWorld.open()
  })
  afterAll(() => world?.close())
  consumerMembers('the embedded broker', () => {
    if (world === undefined) throw new Error('the broker was not started')
    return world.consumerBrokers()
  })
})

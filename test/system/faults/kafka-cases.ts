/** Every fault of Kafka that a daemon is put through on a real broker. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import kafkajs from 'kafkajs'
import { eventually } from '../../support/eventually.ts'
import { kafkaUser } from '../services/kafka-listeners.ts'
import type { FaultCase } from './fault-case.ts'
import type { FaultWorld } from './fault-world.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
export const unreachable = 'could not reach any Kafka broker of "127.0.0.1:…": …'
const login = (): string => {
  const { username } = kafkaUser
  return `sasl: { mechanism: scram-sha-512, username: ${username}, password: env:KAFKA_PASSWORD }`
}
const rightPassword = { KAFKA_PASSWORD: kafkaUser.password }

/** Waits for so many tries more than there were. */
async function tries(world: FaultWorld, count: number): Promise<void> {
  const before = world.proxy.connectionCount
  await eventually(`${count} tries`, 60_000, () =>
    world.proxy.connectionCount >= before + count ? true : undefined,
  )
}

const rules = ['lake', 'somebody-else'].map((user) => ({
  resourceType: AclResourceTypes.TOPIC,
  resourceName: 'numbers',
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: `User:${user}`,
  host: '*',
  operation: AclOperationTypes.ALL,
  permissionType: AclPermissionTypes.ALLOW,
}))
/** A topic with rules is for those that a rule names: our rule goes, the other stays. */
const setRules = (world: FaultWorld, count: 0 | 1 | 2): Promise<unknown> =>
  world.kafka.asAdmin(async (admin) => {
    if (count > 0) await admin.createAcls({ acl: rules.slice(2 - count) })
    const gone = rules.slice(0, 2 - count)
    if (gone.length > 0) await admin.deleteAcls({ filters: gone })
  })

const certificateOf = (world: FaultWorld, name: 'client' | 'expired') => {
  const files = world.kafka.certificates
  const paths = {
    client: [files.clientCertificate, files.clientKey],
    expired: [files.expiredCertificate, files.expiredKey],
  } as const
  const [cert, key] = paths[name]
  return { cert: readFileSync(cert), key: readFileSync(key) }
}
const certified = new WeakMap<FaultWorld, Server>()

/** The broker's plain listener behind TLS, with a certificate that changes. @returns its port. */
async function openCertified(world: FaultWorld): Promise<number> {
  await copyFile(world.kafka.certificates.ca, join(world.folder, 'ca.pem'))
  const server = createServer(certificateOf(world, 'client'), (socket) => {
    const behind = connect(world.kafka.portOf('proxied'), '127.0.0.1')
    for (const [from, to] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  certified.set(world, server)
  world.onClose(() => server.close())
  return (server.address() as AddressInfo).port
}

export const kafkaCases: readonly FaultCase[] = [
  {
    name: 'A broker is killed while it is read from',
    code: 'KAFKA_UNREACHABLE',
    told: unreachable,
    ends: 'when it is back, read on from where it was',
    provoke: async (world) => {
      await world.kafka.kill()
    },
    heal: async (world) => {
      await tries(world, 3)
      await world.kafka.startAgain()
    },
  },
  {
    name: 'A connection is cut in the middle of an answer',
    code: 'KAFKA_UNREACHABLE',
    told: unreachable,
    ends: 'by itself, on a new connection; the part that came is thrown away',
    provoke: async (world) => {
      const cut = world.proxy.cutAfter('down', 3_000)
      await world.produce(400)
      await cut
    },
    heal: async () => undefined,
  },
  {
    name: 'A connection stays open and nobody answers on it',
    code: 'KAFKA_UNREACHABLE',
    told: unreachable,
    ends: 'when answers come again; what takes longer than 15 s is given up for a new connection',
    provoke: async (world) => {
      world.proxy.freeze()
      await world.produce(100)
    },
    heal: async (world) => {
      await tries(world, 1)
      world.proxy.thaw()
    },
  },
  {
    name: 'A batch was changed on its way (CRC32C)',
    code: 'KAFKA_BATCH_CORRUPT',
    told: 'the batch of "numbers/1" at offset … has checksum 0x…, its header says 0x…',
    ends: 'a restart reads it again; when the broker itself holds it damaged, with "source reset"',
    provoke: async (world) => {
      world.proxy.rewrite('down', (bytes) => {
        const found = bytes.indexOf('number 151')
        if (found >= 0) bytes.write('nUmber 151', found)
        return bytes
      })
      await world.produce(100)
      await world.holds((n) => n < 100 || n % 2 === 0)
    },
    heal: async (world) => {
      world.proxy.rewrite('down', undefined)
      await world.stop()
      await world.start()
    },
  },
  {
    name: 'Our right to the topic is taken away (ACL)',
    code: 'KAFKA_PARTITION_REFUSED',
    told: 'could not read "numbers/…": 29 TOPIC_AUTHORIZATION_FAILED',
    ends: 'when the right is back',
    kafka: (world) => {
      world.brokerPort = world.kafka.portOf('sasl')
      return login()
    },
    environment: rightPassword,
    provoke: async (world) => {
      world.onClose(() => setRules(world, 0))
      await setRules(world, 1)
    },
    heal: async (world) => {
      await world.produce(100)
      await setRules(world, 2)
    },
  },
  {
    name: 'The password is wrong',
    code: 'KAFKA_AUTHENTICATION_REFUSED',
    told: 'Kafka refused user "lake" by "scram-sha-512": …',
    ends: 'with the right password, at the next start',
    kafka: (world) => {
      world.brokerPort = world.kafka.portOf('sasl')
      return login()
    },
    environment: rightPassword,
    provoke: async (world) => {
      await world.stop()
      world.environment = { KAFKA_PASSWORD: 'not-the-password' }
      await world.produce(100)
      await world.start()
    },
    heal: async (world) => {
      await world.stop()
      world.environment = rightPassword
      await world.start()
    },
  },
  {
    name: 'The certificate of the brokers expires',
    code: 'KAFKA_UNREACHABLE',
    told: 'could not reach any Kafka broker of "127.0.0.1:…": …certificate has expired…',
    ends: 'when the brokers show a new one; nothing is restarted here',
    kafka: () => 'tls: { ca: "file:ca.pem" }',
    between: openCertified,
    provoke: async (world) => {
      certified.get(world)?.setSecureContext(certificateOf(world, 'expired'))
      world.proxy.cutAll()
      await world.produce(100)
    },
    heal: async (world) => {
      certified.get(world)?.setSecureContext(certificateOf(world, 'client'))
    },
  },
  {
    name: 'Records that were not read yet are deleted (retention)',
    code: 'KAFKA_OFFSET_OUT_OF_RANGE',
    told: '"numbers/1" has no offset 50: it holds 80 up to 100',
    ends: 'by an operator’s word: "lakeward source accept" or "reset"',
    provoke: async (world) => {
      await world.stop()
      await world.produce(100)
      await world.kafka.asAdmin(async (admin) => {
        // It deletes in topics that it was asked about before.
        await admin.fetchTopicOffsets('numbers')
        const partitions = [{ partition: 1, offset: '80' }]
        await admin.deleteTopicRecords({ topic: 'numbers', partitions })
      })
      await world.start()
    },
    heal: async () => undefined,
    // The partition stops before the first that is gone: what is behind waits for the operator.
    left: (n) => n % 2 === 0 || n < 100,
  },
  {
    name: 'A topic is deleted and made anew',
    code: 'KAFKA_TOPIC_RECREATED',
    told: '"numbers/…" was read under topic id "…", the broker has "…"',
    ends: 'by an operator’s word: "lakeward source accept"; read from the new one’s first record',
    provoke: async (world) => {
      await world.kafka.recreateTopic('numbers', 2)
      // More than was read of the old one: by its name alone it would be read on in its middle.
      await world.produce(300)
    },
    heal: (world) => world.accept('numbers'),
  },
  {
    name: 'Partitions are added',
    meanwhile: 'seen with the next metadata',
    ends: 'by itself: the new ones are read from their first record',
    partitionsInTheEnd: 4,
    provoke: async (world) => {
      await world.kafka.addPartitions('numbers', 4)
      await world.produce(200, 4)
    },
    heal: async () => undefined,
  },
]

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { serviceNamed, serviceNames } from '../system/services/catalogue.ts'

interface Service {
  readonly image: string
  readonly ports: readonly string[]
}

const { services } = parse(readFileSync('docker/compose.yaml', 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
}

/** Not offered for Docker, each with the reason. This table may only shrink. */
const notOffered = new Map([
  ['kafka-4-three', 'three nodes are for tests that kill one of them'],
  ['kafka-3-three', 'likewise'],
  ['hdfs', 'its makers publish no image that starts it in one container'],
  ['hdfs-ha', 'likewise'],
  ['hdfs-httpfs', 'likewise'],
  ['hdfs-three', 'likewise'],
  ['hdfs-tls', 'likewise'],
  ['hive', 'the image of its makers is all of Hive, and was not tried'],
  ['hive-3', 'likewise'],
  ['hive-kerberos', 'likewise'],
  ['kerberos', 'it is of the system, and a package that must fit Node.js'],
  ['spark', 'it is a program that reads, and ends'],
  ['s3-minio', 'its makers publish no image of this version'],
])

test('has the services of the harness, in their versions', () => {
  const wanted = serviceNames.filter((name) => !notOffered.has(name)).map(serviceNamed)
  expect(Object.keys(services).sort()).toEqual(wanted.map(({ name }) => name).sort())
  expect(wanted.length).toBeGreaterThan(2)
  for (const { name, version } of wanted) {
    expect(services[name]?.image.replace(/:v/, ':')).toMatch(new RegExp(`:${version}$`))
  }
})

test('listens on loopback alone', () => {
  const ports = Object.values(services).flatMap((service) => service.ports)
  expect(ports.length).toBeGreaterThan(2)
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
})

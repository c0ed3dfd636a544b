import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { hive } from '../../../system/services/hive.ts'
import { hive3 } from '../../../system/services/hive-3.ts'
import { kafka3, kafka3Three } from '../../../system/services/kafka-3.ts'
import { kafka4, kafka4Three } from '../../../system/services/kafka-4.ts'
import type { Ports, ServiceKind } from '../../../system/services/service-kind.ts'
import { decideStart, type StartFacts } from '../../../system/services/start-decision.ts'

const kinds = [kafka3, kafka4, kafka3Three, kafka4Three]
const portsOf = (kind: ServiceKind): Ports =>
  Object.fromEntries(kind.portNames.map((name, index) => [name, 21_000 + index]))
const placeOf = (kind: ServiceKind) => ({
  folder: '/run/one',
  artifactsFolder: '/cache/jars',
  ports: portsOf(kind),
})
const place = placeOf(kafka4)
const { ports } = place
type SettingsOfNode = ReadonlyMap<string, string>
const settingsOfNodes = (kind: ServiceKind): readonly SettingsOfNode[] => {
  const { files } = kind.plan(placeOf(kind))
  const ofNodes = files.filter(({ path }) => /server[^/]*\.properties$/.test(path))
  return ofNodes.map(({ text }) => {
    const lines = text.trim().split('\n')
    return new Map(lines.map((line) => [line.split('=')[0] ?? '', line.replace(/^[^=]*=/, '')]))
  })
}
const settingsOf = (kind: ServiceKind): SettingsOfNode => settingsOfNodes(kind)[0] ?? new Map()
const partsOf = (settings: SettingsOfNode, key: string): readonly string[] =>
  (settings.get(key) ?? '').split(',')

test.each(kinds)('$name listens on loopback alone, on each port it was given, once', (kind) => {
  const given = portsOf(kind)
  const foreign = new Set(kind.foreignPortNames?.map((name) => given[name]))
  const listened = settingsOfNodes(kind).flatMap((settings) => partsOf(settings, 'listeners'))
  expect(listened.filter((text) => !/^[A-Z]+:\/\/127\.0\.0\.1:\d+$/.test(text))).toEqual([])
  const heard = listened.map((text) => Number(text.split(':').at(-1)))
  const own = Object.values(given).filter((port) => !foreign.has(port))
  expect(new Set(heard)).toEqual(new Set(own))
  expect(heard.length).toBe(own.length)
})

test.each(kinds)('$name sends clients of "proxied" on to the port of the proxy', (kind) => {
  const given = portsOf(kind)
  const advertised = settingsOfNodes(kind).map((settings) =>
    partsOf(settings, 'advertised.listeners').find((text) => text.startsWith('PROXIED:')),
  )
  const wanted = kind.foreignPortNames?.map((name) => `PROXIED://127.0.0.1:${given[name]}`)
  expect(advertised).toEqual(wanted)
})

test.each(kinds)(
  '$name has an address of each node, and voters that are all controllers',
  (kind) => {
    const nodes = settingsOfNodes(kind)
    const addresses = kind.address(portsOf(kind)).split(',')
    const plain = nodes.map((settings) => partsOf(settings, 'listeners')[0])
    expect(plain).toEqual(addresses.map((address) => `PLAIN://${address}`))
    const voters = nodes.map((settings) => settings.get('controller.quorum.voters'))
    expect(new Set(voters).size).toBe(1)
    expect(voters[0]?.split(',').length).toBe(nodes.length)
    expect(nodes.length).toBe(kind.name.endsWith('-three') ? 3 : 1)
  },
)

test.each(kinds)('$name writes nowhere but into its own folder', (kind) => {
  const { files, prepare } = kind.plan(placeOf(kind))
  expect(new Set(files.map(({ path }) => dirname(path)))).toEqual(new Set(['/run/one']))
  const made = prepare.map(({ makes }) => makes)
  expect(made.filter((path) => !path.startsWith('/run/one/'))).toEqual([])
  const data = settingsOfNodes(kind).map((settings) => settings.get('log.dirs') ?? '')
  expect(made.slice(-data.length)).toEqual(data.map((path) => `${path}/meta.properties`))
  expect(new Set(data).size).toBe(data.length)
})

test.each(kinds)('$name is told from other processes by its folder', (kind) => {
  for (const { command } of kind.plan(placeOf(kind)).processes) {
    expect(command.some((word) => word.startsWith('/run/one/'))).toBe(true)
  }
})

test('what a broker keeps for itself survives one of three, and needs no other of one', () => {
  const keys = ['offsets.topic.replication.factor', 'min.insync.replicas']
  const kept = (kind: ServiceKind) => keys.map((key) => settingsOf(kind).get(key))
  expect(kept(kafka4)).toEqual(['1', '1'])
  expect(kept(kafka4Three)).toEqual(['3', '2'])
})

test('two instances are two clusters, and each start of one is the same', () => {
  const idIn = (folder: string): string => {
    const words = kafka4.plan({ ...place, folder }).prepare.at(-1)?.command ?? []
    return words[words.indexOf('--cluster-id') + 1] ?? ''
  }
  expect(idIn('/run/one')).toBe(idIn('/run/one'))
  expect(idIn('/run/one')).not.toBe(idIn('/run/two'))
  const folders = Array.from({ length: 500 }, (_, index) => `/run/${index}`)
  expect(folders.map(idIn).filter((id) => !/^[A-Za-z0-9_][\w-]{21}$/.test(id))).toEqual([])
})

test('KIP-848 is switched on by name in 3.9 alone: 4 warns of the setting', () => {
  const key = 'group.coordinator.rebalance.protocols'
  expect(settingsOf(kafka3).get(key)).toBe('classic,consumer')
  expect(settingsOf(kafka4).has(key)).toBe(false)
})

const record = { service: 'kafka-4', version: kafka4.version, ports, pids: {} }
const facts = (more: Partial<StartFacts>): StartFacts => ({
  kind: kafka4,
  record,
  alive: new Set(),
  arePortsFree: true,
  ...more,
})

test('what was never started is started anew', () => {
  expect(decideStart(facts({ record: undefined }))).toEqual({ kind: 'start-anew' })
})

test('a restart takes the ports that clients know, where nobody took them meanwhile', () => {
  expect(decideStart(facts({}))).toEqual({ kind: 'start-on', ports })
  expect(decideStart(facts({ arePortsFree: false }))).toEqual({ kind: 'start-anew' })
})

test('the rest of what runs already joins it on its ports', () => {
  const running = facts({ alive: new Set(['broker']), arePortsFree: false })
  expect(decideStart(running)).toEqual({ kind: 'start-on', ports })
})

test('ports that the service names otherwise by now are looked for anew', () => {
  const before = { ...record, ports: { plain: 21_001 } }
  expect(decideStart(facts({ record: before }))).toEqual({ kind: 'start-anew' })
})

test('data of another version or service is refused, both named', () => {
  const older = facts({ record: { ...record, version: '4.0.0' } })
  expect(decideStart(older)).toEqual({
    kind: 'refuse',
    because: `its folder holds kafka-4 4.0.0, not kafka-4 ${kafka4.version}`,
  })
  expect(decideStart(facts({ record: { ...record, service: 'kafka-3' } })).kind).toBe('refuse')
})

test.each([hive, hive3])(
  '$name listens on loopback, and keeps all it has in its own folder',
  (kind) => {
    const { files, processes, prepare } = kind.plan(placeOf(kind))
    const settings = files.find(({ path }) => path === '/run/one/metastore-site.xml')?.text ?? ''
    const value = (name: string): string | undefined =>
      new RegExp(`<name>${name}</name><value>([^<]*)<`).exec(settings)?.[1]
    expect(value('metastore.thrift.bind.host')).toBe('127.0.0.1')
    expect(value('metastore.thrift.port')).toBe(String(portsOf(kind)['thrift']))
    expect(value('javax.jdo.option.ConnectionURL')).toContain('databaseName=/run/one/derby;')
    expect(value('metastore.warehouse.dir')).toBe('file:///run/one/warehouse')
    expect(new Set(files.map(({ path }) => dirname(path)))).toEqual(new Set(['/run/one']))
    expect(prepare).toEqual([])
    const [command = []] = processes.map((each) => each.command)
    expect(command.some((word) => word.startsWith('/run/one/:'))).toBe(true)
  },
)

import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { kafka3 } from '../../../system/services/kafka-3.ts'
import { kafka4 } from '../../../system/services/kafka-4.ts'
import { decideStart, type StartFacts } from '../../../system/services/start-decision.ts'

const ports = { plain: 21_001, controller: 21_002 }
const place = { folder: '/run/one', artifactsFolder: '/cache/jars', ports }
const settingsOf = (kind: typeof kafka4): ReadonlyMap<string, string> => {
  const file = kind.plan(place).files.find(({ path }) => path.endsWith('server.properties'))
  const lines = (file?.text ?? '').trim().split('\n')
  return new Map(lines.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]))
}

test.each([kafka3, kafka4])(
  '$name listens on loopback alone, on the ports it was given',
  (kind) => {
    const settings = settingsOf(kind)
    expect(settings.get('listeners')).toBe(
      'PLAINTEXT://127.0.0.1:21001,CONTROLLER://127.0.0.1:21002',
    )
    expect(settings.get('advertised.listeners')).toBe('PLAINTEXT://127.0.0.1:21001')
    expect(settings.get('controller.quorum.voters')).toBe('1@127.0.0.1:21002')
    expect(kind.address(ports)).toBe('127.0.0.1:21001')
    expect(new Set(kind.portNames)).toEqual(new Set(Object.keys(ports)))
  },
)

test.each([kafka3, kafka4])('$name writes nowhere but into its own folder', (kind) => {
  const { files, prepare } = kind.plan(place)
  expect(files.map(({ path }) => dirname(path))).toEqual(['/run/one', '/run/one'])
  expect(prepare.map(({ makes }) => makes)).toEqual(['/run/one/data/meta.properties'])
  expect(settingsOf(kind).get('log.dirs')).toBe('/run/one/data')
})

test.each([kafka3, kafka4])('$name is told from other processes by its folder', (kind) => {
  for (const { command } of kind.plan(place).processes) {
    expect(command.some((word) => word.startsWith('/run/one/'))).toBe(true)
  }
})

test('two instances are two clusters, and each start of one is the same', () => {
  const idIn = (folder: string): string => {
    const words = kafka4.plan({ ...place, folder }).prepare[0]?.command ?? []
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

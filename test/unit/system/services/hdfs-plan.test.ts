import { expect, test } from 'vitest'
import { hdfs, hdfsHa, hdfsHttpfs, hdfsThree, hdfsTls } from '../../../system/services/hdfs.ts'
import type { Ports, ServiceKind } from '../../../system/services/service-kind.ts'

const kinds = [hdfs, hdfsHa, hdfsHttpfs, hdfsThree, hdfsTls]
const portsOf = (kind: ServiceKind): Ports =>
  Object.fromEntries(kind.portNames.map((name, index) => [name, 21_000 + index]))
const planOf = (kind: ServiceKind) =>
  kind.plan({ folder: '/run/one', artifactsFolder: '/cache/jars', ports: portsOf(kind) })
const settingsOf = (kind: ServiceKind): ReadonlyMap<string, string> => {
  const texts = planOf(kind).files.map(({ text }) => text)
  const found = texts.flatMap((text) => [
    ...text.matchAll(/<name>(.*?)<\/name><value>(.*?)<\/value>/g),
  ])
  // What one process is told besides stands beside what all are told.
  const own = planOf(kind).processes.flatMap(({ name: node, command }) =>
    command.flatMap((word) => {
      const [, name = '', value = ''] = /^-D(dfs\.[^=]+)=(.*)$/.exec(word) ?? []
      return name === '' ? [] : [[`${node} ${name}`, value] as const]
    }),
  )
  const all = found.map(([, name = '', value = '']) => [name, value] as const)
  const overridden = new Set(own.map(([name]) => name.split(' ')[1]))
  return new Map([...all.filter(([name]) => kind !== hdfsThree || !overridden.has(name)), ...own])
}

test.each(kinds)('$name listens on loopback alone, on each port it was given, once', (kind) => {
  const settings = settingsOf(kind)
  const addresses = [...settings].filter(([name]) => /address(\.lakeward\.[a-z0-9-]+)?$/.test(name))
  expect(addresses.filter(([, address]) => !/^127\.0\.0\.[123]:/.test(address))).toEqual([])
  const heard = addresses.map(([, address]) => Number(address.split(':')[1]))
  const ofHttpfs = settings.get('httpfs.http.port')
  const all = [...heard, ...(ofHttpfs === undefined ? [] : [Number(ofHttpfs)])]
  expect(new Set(all)).toEqual(new Set(Object.values(portsOf(kind))))
  expect(all.length).toBe(kind.portNames.length)
  if (ofHttpfs !== undefined) expect(settings.get('httpfs.http.hostname')).toBe('127.0.0.1')
})

test.each(kinds)('$name writes nowhere but into its own folder, and is told by it', (kind) => {
  const { files, prepare, processes } = planOf(kind)
  const paths = [...files.map(({ path }) => path), ...prepare.map(({ makes }) => makes)]
  const folders = [...settingsOf(kind)].filter(([name]) => name.endsWith('.dir'))
  expect(folders.length).toBeGreaterThan(2)
  const all = [...paths, ...folders.map(([, value]) => value.replace(/^file:\/\//, ''))]
  expect(all.filter((path) => !/^\/run\/one(\/|$)/.test(path))).toEqual([])
  expect(processes.length).toBe({ hdfs: 2, 'hdfs-httpfs': 3, 'hdfs-tls': 2 }[kind.name] ?? 4)
  for (const { command } of processes) {
    expect(command.some((word) => word.startsWith('/run/one/'))).toBe(true)
  }
})

test.each(kinds)('$name opens to itself what every call to the namenode needs', (kind) => {
  for (const { command } of planOf(kind).processes) {
    expect(command).toContain('--add-opens=java.base/java.lang=ALL-UNNAMED')
  }
})

test('HttpFS is what its clients are sent to, and the namenode otherwise', () => {
  expect(hdfs.address(portsOf(hdfs))).toBe('127.0.0.1:21001')
  expect(hdfsHttpfs.address(portsOf(hdfsHttpfs))).toBe('127.0.0.1:21005')
  expect(hdfsHa.address(portsOf(hdfsHa))).toBe('127.0.0.1:21001,127.0.0.1:21003')
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, sep } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { freePorts, isFree, rangeOf } from '../../../system/services/free-ports.ts'
import {
  instancesBelow,
  readRecord,
  writeRecord,
} from '../../../system/services/instance-record.ts'
import { ServiceHarness } from '../../../system/services/service-harness.ts'
import {
  isAlive,
  isGoneWithin,
  launch,
  runToEnd,
  signal,
  untilStopped,
} from '../../../system/services/service-processes.ts'

const boundMs = 20_000
/** A program that runs until it is asked to end, and says when it can be asked. */
function program(folder: string): readonly string[] {
  const path = join(folder, 'program.mjs')
  const asked = 'process.on("SIGTERM", () => process.exit(0))'
  writeFileSync(path, `${asked}; setInterval(() => {}, 1000); console.log("here")`)
  return [process.execPath, path]
}

test('a process is started, known by its folder, signalled and gone; its log stays', async () => {
  await using folder = await temporaryFolder()
  const log = join(folder.path, 'program.log')
  const pid = launch(program(folder.path), log)
  const started = { pid, mark: folder.path + sep }
  expect(isAlive(started)).toBe(true)
  expect(await isGoneWithin(started, 0)).toBe(false)
  expect(signal(started, 'SIGKILL')).toBe(true)
  expect(await isGoneWithin(started, boundMs)).toBe(true)
  expect(signal(started, 'SIGKILL')).toBe(false)
})

test('a process that becomes its program is there at every moment', async () => {
  await using folder = await temporaryFolder()
  const mark = folder.path + sep
  const command = program(folder.path)
  for (let starts = 0; starts < 20; starts++) {
    const started = { pid: launch(command, join(folder.path, 'program.log')), mark }
    const endMs = performance.now() + 20
    let looks = 0
    while (performance.now() < endMs && isAlive(started)) looks++
    expect(isAlive(started), `start ${starts}, look ${looks}`).toBe(true)
    expect(performance.now(), `start ${starts}, look ${looks}`).toBeGreaterThanOrEqual(endMs)
    signal(started, 'SIGKILL')
    expect(await isGoneWithin(started, boundMs)).toBe(true)
  }
})

test('a process is stopped when it stands, not while it runs, not when it is gone', async () => {
  await using folder = await temporaryFolder()
  const command = program(folder.path)
  const pid = launch(command, join(folder.path, 'program.log'))
  const started = { pid, mark: folder.path + sep }
  await expect(untilStopped(pid, 20)).rejects.toThrow('is not stopped after 20 ms')
  signal(started, 'SIGSTOP')
  await untilStopped(pid)
  signal(started, 'SIGCONT')
  await expect(untilStopped(pid, 20)).rejects.toThrow('is not stopped')
  signal(started, 'SIGKILL')
  expect(await isGoneWithin(started, boundMs)).toBe(true)
  await expect(untilStopped(pid, 20)).rejects.toThrow('is not stopped')
})

test('a process that has the id but not the folder is never signalled', async () => {
  await using folder = await temporaryFolder()
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  try {
    const remembered = { pid: stranger.pid ?? -1, mark: folder.path + sep }
    expect(isAlive(remembered)).toBe(false)
    expect(signal(remembered, 'SIGKILL')).toBe(false)
    expect(stranger.exitCode).toBeNull()
    expect(stranger.signalCode).toBeNull()
  } finally {
    const exited = once(stranger, 'exit')
    stranger.kill('SIGTERM')
    expect((await exited)[1]).toBe('SIGTERM')
  }
})

test('a step that fails tells what it said', async () => {
  await using folder = await temporaryFolder()
  const log = join(folder.path, 'step.log')
  const command = [process.execPath, '-e', 'console.error("no room"); process.exit(3)']
  expect(() => runToEnd(command, log)).toThrow(/ended with 3; it said:\nno room/)
  expect(readFileSync(log, 'utf8')).toContain('no room')
})

test('free ports are different, and none that the system hands out by itself', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `port ${index}`)
  const ports = Object.values(await freePorts(names))
  expect(ports.filter((port) => port < 20_000 || port >= 32_000)).toEqual([])
  const first = Math.min(...ports, 31_900)
  // Out of few, one would be drawn twice.
  const few = Object.values(await freePorts(names, { first, next: first + 40 }))
  expect(new Set(few).size).toBe(20)
})

test('free ports are handed out once, and to each worker from a range of its own', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `port ${index}`)
  const range = { first: 19_000, next: 19_400 }
  const [some, others] = await Promise.all([freePorts(names, range), freePorts(names, range)])
  expect(new Set([...Object.values(some), ...Object.values(others)]).size).toBe(100)
  const ranges = [1, 2, 3, 4, 5, 6, 7, 8].map(rangeOf).toSorted((a, b) => a.first - b.first)
  for (const [at, { first }] of ranges.entries()) {
    expect(first).toBe(at === 0 ? 20_000 : ranges[at - 1]?.next)
  }
})

test('a port that somebody listens on is not free', async () => {
  const server = createServer()
  const listening = once(server, 'listening')
  server.listen(0, '127.0.0.1')
  await listening
  const { port: one } = server.address() as AddressInfo
  try {
    expect(await isFree(one)).toBe(false)
    await expect(freePorts(['one'], { first: one, next: one + 1 })).rejects.toThrow('no free ports')
  } finally {
    server.close()
  }
})

const record = {
  service: 'kafka-4',
  version: '0.0.0',
  ports: { plain: 1, controller: 2 },
  pids: {},
}

test('what is remembered of an instance is read again', async () => {
  await using folder = await temporaryFolder()
  mkdirSync(join(folder.path, 'one'))
  mkdirSync(join(folder.path, 'no instance'))
  expect(readRecord(join(folder.path, 'one'))).toBeUndefined()
  writeRecord(join(folder.path, 'one'), record)
  expect(readRecord(join(folder.path, 'one'))).toEqual(record)
  expect(instancesBelow(folder.path)).toEqual(['one'])
  expect(instancesBelow(join(folder.path, 'nowhere'))).toEqual([])
})

test('down, kill and logs refuse an instance never started, and list those that were', async () => {
  await using folder = await temporaryFolder()
  const place = { runRoot: folder.path, cacheRoot: folder.path, say: () => {} }
  const harness = new ServiceHarness(place)
  await expect(harness.down('kafka-4')).rejects.toThrow('"kafka-4"; none was started')
  mkdirSync(join(folder.path, 'one'))
  writeRecord(join(folder.path, 'one'), record)
  await expect(harness.kill('two')).rejects.toThrow('"two"; accepted: one')
  expect(() => harness.logs('two')).toThrow('"two"; accepted: one')
  await expect(harness.up('nobody')).rejects.toThrow('no service "nobody"')
})

test('a sweep removes what belonged to a process that is gone, and nothing else', async () => {
  await using folder = await temporaryFolder()
  const place = { runRoot: folder.path, cacheRoot: folder.path, say: () => {} }
  const gone = spawn(process.execPath, ['-e', ''])
  await once(gone, 'exit')
  const owners = { left: gone.pid ?? -1, ours: process.pid }
  for (const [name, ownerPid] of Object.entries(owners)) {
    mkdirSync(join(folder.path, name))
    writeRecord(join(folder.path, name), { ...record, ownerPid })
  }
  mkdirSync(join(folder.path, 'users'))
  writeRecord(join(folder.path, 'users'), record)
  const left = join(folder.path, 'left')
  const pid = launch(program(left), join(left, 'broker.log'))
  writeRecord(left, { ...record, ownerPid: owners.left, pids: { broker: pid } })
  expect(await new ServiceHarness(place).sweep()).toEqual(['left'])
  expect(instancesBelow(folder.path)).toEqual(['ours', 'users'])
  expect(isAlive({ pid, mark: left + sep })).toBe(false)
})

test('a paused process ends when it is asked to, and its instance stays known', async () => {
  await using folder = await temporaryFolder()
  const said: string[] = []
  const say = (line: string): void => void said.push(line)
  const place = { runRoot: folder.path, cacheRoot: folder.path, say }
  const one = join(folder.path, 'one')
  mkdirSync(one)
  const log = join(one, 'broker.log')
  const pid = launch(program(one), log)
  writeRecord(one, { ...record, pids: { broker: pid } })
  await eventually('it can be asked', boundMs, () =>
    readFileSync(log, 'utf8').includes('here') ? true : undefined,
  )
  const harness = new ServiceHarness(place)
  await harness.pause('one')
  await harness.down('one')
  expect(isAlive({ pid, mark: one + sep })).toBe(false)
  expect(readRecord(one)).toEqual(record)
  // It was not killed for want of an answer.
  expect(said).toEqual([])
})

import { expect, test } from 'vitest'
import { Gate } from '../../../src/daemon/gate.ts'

test('an open gate lets everything pass at once', async () => {
  await new Gate().passed()
})

test('nothing passes while two works hold the gate, and all when both are done', async () => {
  const gate = new Gate()
  const finish: (() => void)[] = []
  const hold = (): Promise<void> => gate.whileHeld(() => new Promise((done) => finish.push(done)))
  const works = [hold(), hold()]
  let passed = false
  const passing = gate.passed().then(() => (passed = true))
  finish[0]?.()
  await works[0]
  expect([passed, gate.open]).toEqual([false, false])
  finish[1]?.()
  await Promise.all(works)
  await passing
  expect([passed, gate.open]).toEqual([true, true])
})

test('a work that fails opens the gate again', async () => {
  const gate = new Gate()
  await expect(gate.whileHeld(() => Promise.reject(new Error('lake')))).rejects.toThrow('lake')
  expect(gate.open).toBe(true)
})

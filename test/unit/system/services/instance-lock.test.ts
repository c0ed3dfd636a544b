import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { alone } from '../../../system/services/instance-lock.ts'

test('who works at an instance is alone, whoever else comes, and leaves nothing', async () => {
  await using folder = await temporaryFolder()
  const instance = join(folder.path, 'run', 's3')
  let [inside, most] = [0, 0]
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await new Promise((go) => setImmediate(go))
    inside -= 1
  }
  await Promise.all(Array.from({ length: 5 }, () => alone(instance, work)))
  expect(most).toBe(1)
  expect(readdirSync(join(folder.path, 'run'))).toEqual([])
})

test('the lock is given back by who fails', async () => {
  await using folder = await temporaryFolder()
  const instance = join(folder.path, 's3')
  await expect(alone(instance, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await alone(instance, () => 'done')).toBe('done')
})

test('the lock of a process that is gone is taken, that of one that lives is waited for', async () => {
  await using folder = await temporaryFolder()
  const instance = join(folder.path, 's3')
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  writeFileSync(`${instance}.lock`, `${holder.pid}`)
  let isDone = false
  const working = alone(instance, () => {
    isDone = true
  })
  // However long it is waited for: it goes on only when the holder is gone.
  await new Promise((go) => setTimeout(go, 200))
  expect(isDone).toBe(false)
  const ended = once(holder, 'exit')
  holder.kill('SIGKILL')
  await ended
  await working
  expect(isDone).toBe(true)
  expect(existsSync(`${instance}.lock`)).toBe(false)
})

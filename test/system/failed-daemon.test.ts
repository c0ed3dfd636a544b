/** A daemon that cannot go on ends its process with the reason, so that a supervisor sees it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('of two daemons with different files the older one ends, with the reason', {
  timeout: 120_000,
}, async () => {
  await using folder = await temporaryFolder()
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', 2)
  const config = await writeNumbersConfig(folder.path, { brokerPort: broker.port })
  const older = new LakewardProcess(['run', '-c', config])
  onTestFinished(() => older.kill())
  await older.line('"event":"assigned"')
  const changed = join(folder.path, 'changed.yaml')
  const text = await readFile(config, 'utf8')
  await writeFile(changed, text.replace('outOfOrderness: 0s', 'outOfOrderness: 5s'))
  const newer = new LakewardProcess(['run', '-c', changed])
  onTestFinished(() => newer.kill())
  expect(await older.exited()).toBe(2)
  expect(older.stderr.join('\n')).toContain('configuration of pipeline "test" has checksum')
  await newer.line('"event":"started"')
  expect(await newer.stop()).toBe(0)
})

/** The examples for schedulers, run: Airflow's sensor with Airflow's classes, shells as they are. */
import { execFile } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasAirflow, runSensors } from '../support/airflow.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { drawn, WhyWorld } from './readiness/why-world.ts'

const examples = join(process.cwd(), 'examples/schedulers')
/** As people write it in a DAG. */
const templated = "{{ data_interval_start.strftime('%Y-%m-%dT%H') }}"

async function folder(): Promise<string> {
  const made = await temporaryFolder()
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made.path
}

async function openWorld(): Promise<WhyWorld> {
  const world = await WhyWorld.open(drawn(1, Date.now()), await folder(), { streams: { a: '' } })
  onTestFinished(() => world.close())
  return world
}

interface Reply {
  readonly status: number
  readonly tag?: string
  readonly body?: object
}

interface Heard {
  readonly url: string | undefined
  readonly token: string | undefined
  readonly tag: string | undefined
}

/** Answers with one reply after the other. */
async function replying(replies: readonly Reply[]) {
  const heard: Heard[] = []
  const server = createServer(({ url, headers }, response) => {
    heard.push({ url, token: headers.authorization, tag: headers['if-none-match'] })
    const { status, tag, body } = replies[heard.length - 1] ?? { status: 500 }
    if (tag !== undefined) response.setHeader('ETag', tag)
    response.writeHead(status).end(body && JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}`, heard }
}

describe.skipIf(!hasAirflow())('the sensor for Airflow', () => {
  test('waits for an hour of a real daemon, says what for, and sees it announced', {
    timeout: 240_000,
  }, async () => {
    const world = await openWorld()
    await world.run()
    await world.send('a', 0, 0)
    await world.told('a', 'idle-without-proof')
    const sensor = {
      stream: world.nameOf('a'),
      partition: templated,
      address: world.address,
      poke_interval: 0.3,
      timeout: 120,
    }
    const hour = `${world.hour}:00:00+00:00`
    let sent: Promise<void> | undefined
    const run = await runSensors([{ sensor, hour }], await folder(), (line) => {
      if (line.includes('waits (')) sent ??= world.sendWhole('a')
    })
    await sent
    expect(run.log).toContain('waits (idle-without-proof): ')
    expect(run.log).toContain(`${world.nameOf('a')} ${world.hour} is complete: revision 1`)
    expect(run.ended).toEqual(['complete'])
  })

  test('asks with its token and the tag of the last answer, and bears with who is busy', {
    timeout: 240_000,
  }, async () => {
    const why = { rule: 'lagging', sentence: '5 records to read' }
    const announced = (revision: number) => ({ place: 'announced', revision })
    const { address, heard } = await replying([
      { status: 200, tag: '"one"', body: { place: 'open', why } },
      { status: 304 },
      { status: 503 },
      { status: 200, tag: '"two"', body: { ...announced(1), why } },
      { status: 200, tag: '"three"', body: announced(2) },
      { status: 404 },
    ])
    const both = { address, poke_interval: 0.05, timeout: 60 }
    const asked = { ...both, stream: 'a/b', partition: templated, token: 'told', revision: 2 }
    const hour = '2026-11-20T07:00:00+00:00'
    const unknown = { ...both, stream: 'nothing', partition: '2026-11-20T07' }
    const silent = { ...unknown, address: 'http://127.0.0.1:9', timeout: 0.2 }
    const cases = [asked, unknown, silent, { ...silent, mode: 'reschedule', timeout: 60 }]
    const run = await runSensors(
      cases.map((sensor) => ({ sensor, hour })),
      await folder(),
    )
    expect(run.ended).toEqual([
      'complete',
      'HTTPError',
      'AirflowSensorTimeout',
      'AirflowRescheduleException',
    ])
    expect(heard.map(({ tag }) => tag)).toEqual([
      undefined,
      '"one"',
      '"one"',
      '"one"',
      '"two"',
      undefined,
    ])
    expect(new Set(heard.slice(0, 5).map(({ token }) => token))).toEqual(new Set(['Bearer told']))
    expect(heard[0]?.url).toBe('/api/v1/streams/a%2Fb/partitions/2026-11-20T07')
    expect(run.log).toContain('waits (lagging): 5 records to read')
    expect(run.log).toContain('lakeward answers 503')
  })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function shell(text: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile('sh', ['-c', text], { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

/** Commands of the examples' own words, in a place before all others. */
async function commands(): Promise<NodeJS.ProcessEnv> {
  const bin = await folder()
  const lakeward = `exec ${process.execPath} ${join(process.cwd(), 'bin/lakeward.js')} "$@"`
  for (const [name, text] of Object.entries({ lakeward, 'load-hour': 'cat "$1"' })) {
    await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`)
    await chmod(join(bin, name), 0o755)
  }
  return { ...process.env, PATH: `${bin}:${process.env['PATH']}` }
}

test('the task for DolphinScheduler loads the hour, and ends with 75 while it is not complete', {
  timeout: 120_000,
}, async () => {
  const world = await openWorld()
  await world.run()
  const readme = await readFile(join(examples, 'README.md'), 'utf8')
  const [, task = ''] = /## DolphinScheduler[^]*?```sh\n([^]*?)```/.exec(readme) ?? []
  const ours = (hour: string, timeout: string): string =>
    task
      .replace("$[yyyy-MM-dd'T'HH-1/24]", hour)
      .replace('/etc/lakeward/growth.yaml', world.config)
      .replace('TIMEOUT=1h', `TIMEOUT=${timeout}`)
      .replace('/opt/lakeward/examples/schedulers', examples)
      .replace(' app_events ', ` ${world.nameOf('a')} `)
  const env = await commands()
  await world.send('a', 0, 0)
  await world.told('a', 'idle-without-proof')
  const early = await shell(ours(world.hour, '100ms'), env)
  expect(early.code, early.stderr).toBe(75)
  expect(early.stdout).toBe('')
  expect(early.stderr).toContain('idle-without-proof')
  await world.sendWhole('a')
  const loaded = await shell(ours(world.hour, '60s'), env)
  const files = await world.call('files', world.nameOf('a'), world.hour)
  expect([loaded.code, loaded.stdout.trim()], loaded.stderr).toEqual([0, files.stdout.trim()])
  expect(files.stdout).toMatch(/\.parquet$/m)
})

test('the line for cron names the hour before this one', async () => {
  const script = await readFile(join(examples, 'wait-and-run.sh'), 'utf8')
  const [, date = ''] = /^# +5 \* \* \* \* .*"\$\((date [^)]*)\)"/m.exec(script) ?? []
  const hourBefore = (): string => new Date(Date.now() - 3_600_000).toISOString().slice(0, 13)
  const before = hourBefore()
  // Cron takes the backslash away: a bare % is the end of its line.
  const told = await shell(date.replaceAll('\\%', '%'), process.env)
  expect([before, hourBefore()]).toContain(told.stdout.trim())
  expect(date).toMatch(/[^\\]\\%/)
})

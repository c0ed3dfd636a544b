/** What nobody should do to readiness, done to a real daemon. */
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { drawn, WhyWorld } from './why-world.ts'

async function openWorld(options: Parameters<typeof WhyWorld.open>[2]): Promise<WhyWorld> {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const world = await WhyWorld.open(drawn(1, Date.now()), folder.path, options)
  onTestFinished(() => world.close())
  return world
}

test.each([
  ['env:LAKEWARD_TEST_NOT_SET', /LAKEWARD_TEST_NOT_SET/],
  ['file:not/there.key', /not\/there\.key/],
])(
  'a secret of a webhook that cannot be read, %s, is refused at the start',
  async (secret, named) => {
    const notify = `{ webhook: { url: "http://127.0.0.1:9/hook", secret: "${secret}" } }`
    const world = await openWorld({ streams: { a: '' }, notify })
    const daemon = world.begin()
    expect(await daemon.exited()).toBe(2)
    const said = daemon.stderr.join('\n')
    expect(said).toMatch(/ready\.notify\[0\]\.webhook\.secret/)
    expect(said).toMatch(named)
  },
)

test('an event of the year 3021 is a dead letter, and holds nothing open and closes nothing', async () => {
  const world = await openWorld({ streams: { a: '' } })
  await world.run()
  await world.send('a', 0, 0)
  await world.sendAt('a', 0, Date.UTC(3021, 0, 1))
  await world.send('a', 1, 2)
  await eventually('all is committed', 60_000, async () =>
    (await world.committed('a', 0)) === 2n && (await world.committed('a', 1)) === 1n
      ? true
      : undefined,
  )
  // The year 3021 would have passed the hour in topic-partition 0.
  const waits = await world.told('a', 'idle-without-proof')
  expect(waits).toContain(`${world.topicOf('a')}/0`)
  const letters = await world.call('dlq', 'ls', '--json')
  expect(letters.stdout).toContain('event-time-future')
  await world.send('a', 0, 2)
  expect(await world.told('a', 'announced')).toMatch(/revision 1, 1 rows/)
})

test('a stream that is taken out while its hour is open stops no other, and goes on when it is back', async () => {
  const both = { streams: { a: '', b: '' } }
  const world = await openWorld(both)
  await world.run()
  for (const stream of ['a', 'b']) await world.send(stream, 0, 0)
  await eventually('both are committed', 60_000, async () =>
    (await world.committed('a', 0)) === 1n && (await world.committed('b', 0)) === 1n
      ? true
      : undefined,
  )
  expect(await world.stop()).toBe(0)
  await world.configure({ streams: { a: '' } })
  await world.run()
  for (const partition of [0, 1]) await world.send('a', partition, 2)
  expect(await world.told('a', 'announced')).toMatch(/revision 1, 1 rows/)
  const gone = await world.call('why', world.nameOf('b'), world.hour)
  expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining(world.nameOf('b'))])
  const verified = await world.call('verify', '--deep', '--allow-unchecked')
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  expect(await world.stop()).toBe(0)

  await world.configure(both)
  await world.run()
  for (const partition of [0, 1]) await world.send('b', partition, 2)
  expect(await world.told('b', 'announced')).toMatch(/revision 1, 1 rows/)
  expect(await world.stop()).toBe(0)
})

/**
 * Every rule by which a partition waits, and the states beside it, provoked on real daemons; what
 * `lakeward why` prints of each is `docs/why.md`. Done twice, with two seeds, beside each other.
 */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { blockRules } from '../../../src/protocol/readiness-blocks.ts'
import { eventually } from '../../support/eventually.ts'
import { hourMs } from '../../support/numbers-broker.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { normalised, type Told, whyPage } from './why-page.ts'
import { type Drawn, drawn, WhyWorld } from './why-world.ts'

const timeout = 600_000

async function openWorld(by: Drawn, options: Parameters<typeof WhyWorld.open>[2]) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const world = await WhyWorld.open(by, folder.path, options)
  onTestFinished(() => world.close())
  return world
}

/** The answer of the command, which must be that of the API as well. */
async function toldByBoth(
  world: WhyWorld,
  rule: string,
  because: string,
  { stream, partition = world.hour }: { stream: string; partition?: string },
): Promise<Told> {
  const text = await world.told(stream, rule, partition)
  await eventually(`the API says the same as\n${text}`, 30_000, async () => {
    const asked = await world.asked(stream, partition)
    return normalised(text, world.drawn).includes(normalised(asked, world.drawn)) || undefined
  })
  return { rule, because, text }
}

const conditions = {
  announced: '',
  delayed: '',
  idle: '',
  missing: ', topics: [topic-of-missing_<seed>, not-made]',
  few: ', ready: { rowsMin: 1000 }',
  letters: ', ready: { deadLettersMax: 0 }',
  after: ', ready: { after: [idle_<seed>] }',
  order: ', ready: { rowsMin: 2 }',
  lost: ', ready: { rowsMin: 1000 }',
  anew: '',
  gaps: ', ready: { emptyRunMax: 2 }',
}

/** One daemon, and what its streams wait for while it is well. */
async function whatWaits(by: Drawn): Promise<readonly Told[]> {
  const world = await openWorld(by, { streams: conditions })
  await world.run()
  const { odd, more } = by
  for (const stream of ['announced', 'few', 'after', 'lost', 'missing'] as const) {
    await world.sendWhole(stream, 1 + more)
  }
  // Half an hour from now at least, however late in its hour it is.
  const soonMs = Date.now() + hourMs / 2
  const soon = new Date(soonMs).toISOString().slice(0, 13)
  for (const partition of [0, 1]) await world.sendAt('delayed', partition, soonMs)
  await world.send('idle', 1 - odd, 0, 1 + more)
  await world.send('idle', 1 - odd, 2)
  await world.sendBroken('letters', odd)
  await world.sendWhole('letters')
  await world.send('order', odd, -1)
  await world.sendWhole('order', 2 + more)
  await world.send('anew', odd, 0, 1 + more)
  await world.send('anew', 1 - odd, 2)
  await eventually('the topic is read', 60_000, async () =>
    (await world.committed('anew', odd)) === BigInt(1 + more) ? true : undefined,
  )
  for (const partition of [0, 1]) {
    await world.send('gaps', partition, -4)
    await world.send('gaps', partition, 3)
  }
  const topic = world.topicOf('anew')
  world.broker.deleteTopic(topic)
  world.broker.createTopic(topic, 2)
  await world.renewProducer()
  await world.line('KAFKA_TOPIC_RECREATED')
  const both = (rule: string, because: string, stream: string, partition?: string): Promise<Told> =>
    toldByBoth(world, rule, because, { stream, ...(partition && { partition }) })
  const told = [
    await both('announced', 'Both topic-partitions of its topic have passed it.', 'announced'),
    await both('delay', 'The hour is not over by the clock of the lake.', 'delayed', soon),
    await both('idle-without-proof', 'One topic-partition brought nothing so far.', 'idle'),
    await both('topic-missing', 'One of the two topics of the stream was never made.', 'missing'),
    await both('too-few-rows', 'It has fewer rows than `ready.rowsMin`.', 'few'),
    await both('dead-letters', 'An event of it was broken, `deadLettersMax` is 0.', 'letters'),
    await both('other-stream', 'A stream of `ready.after` is not there yet.', 'after'),
    await both(
      'earlier-partition',
      'It has rows enough, and the hour before it has too few.',
      'order',
    ),
    await both('refused', 'The topic was deleted and made anew.', 'anew'),
    await both('future', 'The hour has not begun.', 'announced', '2999-01-01T00'),
    await both(
      'before-first',
      'The stream begins with a later hour.',
      'few',
      new Date(by.startMs - 3 * hourMs).toISOString().slice(0, 13),
    ),
  ]
  // Nothing behind the gap is over until events come that are later still.
  const gap = 'It has no rows, and neither have hours around it: more than `ready.emptyRunMax`.'
  told.push(await both('no-rows', gap, 'gaps'))
  for (const partition of [0, 1]) await world.send('gaps', partition, 4)
  told.push(await both('skipped', 'The hour behind that gap was announced.', 'gaps'))
  await rm(join(world.lake, world.nameOf('lost'), pathOf(by)), { recursive: true })
  const lost = 'A published file was taken away, whatever else it waits for.'
  return [
    ...told,
    { rule: 'file-missing', because: lost, text: await world.told('lost', 'file-missing') },
  ]
}

const pathOf = ({ startMs }: Drawn): string => {
  const [day = '', hour = ''] = new Date(startMs).toISOString().slice(0, 13).split('T')
  return `dt=${day}/hour=${hour}`
}

/** A folder in which nobody may make anything, not root either. */
const sealedFolder = '/sys/power'

/** Below a file nothing can be made, by root either. @returns its path. */
async function fileAt(world: WhyWorld, stream: string): Promise<string> {
  const path = join(world.lake, world.nameOf(stream), pathOf(world.drawn))
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, '')
  return path
}

/** The table takes no file, or none into the folder of the partition. */
async function whatIsRefused(by: Drawn): Promise<readonly Told[]> {
  const world = await openWorld(by, { streams: { spilled: '', full: '' } })
  const table = join(world.lake, world.nameOf('spilled'))
  await mkdir(table)
  await symlink(sealedFolder, join(table, '_staging'))
  await fileAt(world, 'full')
  await world.run()
  for (const stream of ['spilled', 'full']) await world.sendWhole(stream, 1 + by.more)
  const spilled = 'Its table refuses new files; they wait in the spill area.'
  const refused = 'Nothing can be published into its folder.'
  return [
    await toldByBoth(world, 'spilled', spilled, { stream: 'spilled' }),
    await toldByBoth(world, 'lake-refuses', refused, { stream: 'full' }),
  ]
}

/** The daemon dies between the decision and the publishing of a file. */
async function whatIsLeftUndone(by: Drawn): Promise<readonly Told[]> {
  const world = await openWorld(by, { streams: { undone: '' }, commitInterval: '10s' })
  const path = await fileAt(world, 'undone')
  await world.sendWhole('undone', 1 + by.more)
  await world.run()
  await eventually('the file is decided', 60_000, async () =>
    (await world.fold()).unpublished.size > 0 ? true : undefined,
  )
  await world.kill()
  await rm(path)
  const because = 'The daemon died after the decision; another one will publish the file.'
  return [{ rule: 'unpublished', because, text: await world.told('undone', 'unpublished') }]
}

/** Brokers that answer no fetch, a daemon that dies, brokers that are gone. */
async function whoIsSilent(by: Drawn): Promise<readonly Told[]> {
  const world = await openWorld(by, {
    streams: { lagging: '', few: ', ready: { rowsMin: 1000 }' },
  })
  await world.run()
  const { odd, more } = by
  await world.sendWhole('few', 1 + more)
  await world.send('lagging', odd, 0, 1 + more)
  await world.send('lagging', 1 - odd, 2)
  await eventually('all is committed', 60_000, async () =>
    (await world.committed('lagging', odd)) === BigInt(1 + more) &&
    (await world.committed('few', 0)) === BigInt(2 + more)
      ? true
      : undefined,
  )
  world.broker.faults.delay('fetch', 600_000)
  const lagging = 'Records were appended, and the broker answers no fetch.'
  // A fetch that was under way may still bring some: they keep coming until it lags.
  const stop = new AbortController()
  const coming = (async () => {
    while (!stop.signal.aborted) {
      await world.send('lagging', odd, 0)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  })()
  const text = await world.told('lagging', 'lagging').finally(() => stop.abort())
  await coming
  await world.kill()
  const dead = 'The daemon was killed; nobody took its topic-partitions over.'
  const unassigned = await world.told('lagging', 'unassigned')
  world.broker.faults.clear()
  await world.broker.close()
  const gone = 'No broker can be reached, so what belongs to the partition is not known.'
  const metadata = await world.told('few', 'metadata')
  return [
    { rule: 'lagging', because: lagging, text },
    { rule: 'unassigned', because: dead, text: unassigned },
    { rule: 'metadata', because: gone, text: metadata },
  ]
}

async function run(seed: number): Promise<{ readonly told: readonly Told[]; readonly by: Drawn }> {
  const by = drawn(seed, Date.now())
  const worlds = [whatWaits, whatIsRefused, whatIsLeftUndone, whoIsSilent]
  const told: Told[] = []
  for (const world of worlds) told.push(...(await world(by)))
  return { told, by }
}

test('docs/why.md is what the command says, whatever the names and numbers', {
  timeout,
}, async () => {
  const [first, second] = await Promise.all([run(3), run(8)])
  const page = whyPage(first.told, first.by)
  expect(whyPage(second.told, second.by)).toBe(page)
  const rules = first.told.map(({ rule }) => rule)
  const wanted = [...blockRules, 'no-rows', 'skipped']
  expect(
    wanted.filter((rule) => !rules.includes(rule)),
    'rules without an answer',
  ).toEqual([])
  await expect(page).toMatchFileSnapshot('../../../docs/why.md')
})

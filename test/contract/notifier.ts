/** What every target of announcements must do: webhook, topic, file, catalog, command. */
import { expect } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import { sampleManifest } from '../support/log-samples.ts'
import { type Suite, vitestSuite } from './suite.ts'

export interface Received {
  readonly id: string
  /** Undefined where a target shows less than all of it. */
  readonly manifest: ReadyManifest | undefined
}

export type Behaviour = 'well' | 'refuses' | 'hangs'

export interface NotifierWorld {
  readonly notifier: Notifier
  /** What has come, in its order, once there are so many. */
  readonly received: (countMin: number) => Promise<readonly Received[]>
  /** How the other end is from now on; well at first. */
  readonly behave: (as: Behaviour) => void
  readonly close: () => Promise<void>
}

const { signal } = new AbortController()

const manifestOf = (hour: number, stream = 'app_events'): ReadyManifest => {
  const sample = { ...sampleManifest(hour), logEntry: 7 }
  const table = `ods_${stream}`
  const id = `growth/${stream}/${sample.partitionPath}/1`
  return { ...sample, stream, table, id, location: `sim:lake/${table}/${sample.partitionPath}` }
}

export function notifierContract(
  name: string,
  open: () => Promise<NotifierWorld>,
  suite: Suite = vitestSuite,
): void {
  suite.describe(`the contract of targets, ${name}`, () => {
    let world: NotifierWorld
    suite.beforeEach(async () => {
      world = await open()
    })
    suite.afterEach(() => world.close())

    const deliver = (manifest: ReadyManifest): Promise<void> =>
      world.notifier.deliver(manifest, signal)
    const idsOf = async (countMin: number): Promise<readonly string[]> =>
      (await world.received(countMin)).map(({ id }) => id)

    suite.test('an announcement comes whole', async () => {
      await deliver(manifestOf(13))
      const [first] = await world.received(1)
      expect(first?.id).toBe(manifestOf(13).id)
      if (first?.manifest !== undefined) expect(first.manifest).toEqual(manifestOf(13))
    })

    suite.test('what is delivered again is told by its id', async () => {
      for (let time = 0; time < 3; time++) await deliver(manifestOf(13))
      expect(new Set(await idsOf(1))).toEqual(new Set([manifestOf(13).id]))
    })

    suite.test("a stream's come in the order in which they were delivered", async () => {
      const hours = [10, 11, 12]
      for (const hour of hours) await deliver(manifestOf(hour))
      expect(await idsOf(3)).toEqual(hours.map((hour) => manifestOf(hour).id))
    })

    suite.test('several streams are delivered at the same time', async () => {
      const all = Array.from({ length: 6 }, (_, at) => manifestOf(13, `stream_${at}`))
      await Promise.all(all.map(deliver))
      expect((await idsOf(6)).toSorted()).toEqual(all.map(({ id }) => id).toSorted())
    })

    suite.test('a refusal is told as one that may pass, and it passes', async () => {
      world.behave('refuses')
      const refused = await deliver(manifestOf(13)).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(Fault)
      expect(refused).toMatchObject({ retry: 'backoff' })
      world.behave('well')
      await deliver(manifestOf(13))
      expect(new Set(await idsOf(1))).toEqual(new Set([manifestOf(13).id]))
    })

    suite.test('one that hangs is given up when told, and taken up again', async () => {
      await deliver(manifestOf(12))
      world.behave('hangs')
      const giving = new AbortController()
      const given = world.notifier.deliver(manifestOf(13), giving.signal)
      const told = given.then(
        () => undefined,
        (error: unknown) => error,
      )
      setTimeout(() => giving.abort(), 50)
      expect(await told).toBeInstanceOf(Fault)
      world.behave('well')
      // What went on without us may stand in the way of the first one.
      await deliver(manifestOf(14)).catch(() => deliver(manifestOf(14)))
      expect((await idsOf(2)).at(-1)).toBe(manifestOf(14).id)
    })

    suite.test('nothing is begun that was given up before', async () => {
      await world.notifier.deliver(manifestOf(12), AbortSignal.abort()).catch(() => {})
      await deliver(manifestOf(13))
      expect(await idsOf(1)).toEqual([manifestOf(13).id])
    })

    suite.test('it goes on after it was closed', async () => {
      await deliver(manifestOf(12))
      await world.notifier.close()
      await deliver(manifestOf(13))
      expect(await idsOf(2)).toEqual([manifestOf(12).id, manifestOf(13).id])
    })

    suite.test('one that can be read shows what was delivered, and nothing else', async () => {
      const { notifier } = world
      if (!notifier.readable) return
      expect(await notifier.readBack(manifestOf(13), signal)).toBe(false)
      await deliver(manifestOf(13))
      expect(await notifier.readBack(manifestOf(13), signal)).toBe(true)
      expect(await notifier.readBack(manifestOf(14), signal)).toBe(false)
    })
  })
}

import { expect } from 'vitest'
import type { LakeTails, PublishOutcome } from '../../src/ports/lake.ts'
import type { OpenedLake } from './lake.ts'
import { type Suite, vitestSuite } from './suite.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const folder = 'events/dt=2026-11-20/hour=13'
const path = `${folder}/growth-c1-0.parquet`
const head = 'as it was published;'
const tailAt = (name: string) => ({ stagedPath: `${folder}/.tail-${name}-0`, path })
const first = { ...tailAt('c2'), baseBytes: 20, sizeBytes: 26 }
const second = { ...tailAt('c3'), baseBytes: 26, sizeBytes: 36 }

/** What a lake promises whose files grow by tails, besides what every lake does. */
export function tailsContract(
  name: string,
  open: () => Promise<OpenedLake>,
  { describe, test, beforeEach, afterEach }: Suite = vitestSuite,
): void {
  describe(`tails contract: ${name}`, () => {
    let opened: OpenedLake
    beforeEach(async () => {
      opened = await open()
      const staged = { stagedPath: 'events/_staging/c1/0.staged', path }
      await opened.lake.stage({ ...staged, chunks: [bytes(head)] })
      await opened.lake.publish({ ...staged, sizeBytes: head.length })
    })
    afterEach(() => opened.close())

    const tails = (lake = opened.lake): LakeTails => {
      if (lake.tails === undefined) throw new Error('files of this lake do not grow')
      return lake.tails
    }
    const stageFirst = (): Promise<string> =>
      opened.lake.stage({ ...tailAt('c2'), chunks: [bytes('one'), bytes('by1')] })
    const stageSecond = (): Promise<string> =>
      opened.lake.stage({ ...tailAt('c3'), chunks: [bytes('one by two')] })
    const standing = async (): Promise<string> =>
      Buffer.from((await opened.lake.read(path)) ?? []).toString()
    const names = async (): Promise<readonly string[]> =>
      (await opened.lake.list(folder)).map((object) => object.path)

    test('a folder like any other takes tails', async () => {
      expect(await tails().canJoinIn('events')).toEqual({ kind: 'joins' })
      expect(await names()).toEqual([path])
    })

    test('a staged tail changes nothing of the file', async () => {
      await stageFirst()
      expect(await standing()).toBe(head)
      expect(await opened.lake.stat(path)).toMatchObject({ sizeBytes: head.length })
    })

    test('a joined tail stands behind the file, and nowhere else', async () => {
      await stageFirst()
      expect(await tails().join(first)).toEqual({ kind: 'published' })
      expect(await standing()).toBe(`${head}oneby1`)
      expect(await names()).toEqual([path])
    })

    test('tails stand in the order in which they were joined', async () => {
      await stageSecond()
      await stageFirst()
      expect(await tails().join(first)).toEqual({ kind: 'published' })
      expect(await tails().join(second)).toEqual({ kind: 'published' })
      expect(await standing()).toBe(`${head}oneby1one by two`)
    })

    test('a join that was made before is told as made', async () => {
      await stageFirst()
      await tails().join(first)
      expect(await tails().join(first)).toEqual({ kind: 'already-published' })
    })

    test('a tail that another process staged is joined', async () => {
      await opened.another().stage({ ...tailAt('c2'), chunks: [bytes('oneby1')] })
      expect((await tails().join(first)).kind).toBe('published')
      expect(await standing()).toBe(`${head}oneby1`)
    })

    test('of ten who join one tail at once all see it joined, once', async () => {
      await stageFirst()
      const racers = Array.from({ length: 10 }, (): Promise<PublishOutcome> => tails().join(first))
      const kinds = (await Promise.all(racers)).map(({ kind }) => kind)
      expect(kinds.filter((kind) => kind === 'published')).toHaveLength(1)
      expect(kinds.filter((kind) => kind === 'already-published')).toHaveLength(9)
      expect(await standing()).toBe(`${head}oneby1`)
    })

    test('no tail is joined before the one that it follows', async () => {
      await stageSecond()
      expect(await tails().join(second)).toEqual({ kind: 'mismatch', foundBytes: 20 })
      expect(await standing()).toBe(head)
      expect(await names()).toContain(second.stagedPath)
    })

    test('a file that went on has another length, and does not grow', async () => {
      await stageFirst()
      await stageSecond()
      await tails().join(first)
      await tails().join(second)
      await stageFirst()
      expect(await tails().join(first)).toEqual({ kind: 'mismatch', foundBytes: 36 })
      expect(await standing()).toBe(`${head}oneby1one by two`)
    })

    test('a tail that was discarded is missing', async () => {
      await stageFirst()
      await opened.another().discard(tailAt('c2'))
      expect(await tails().join(first)).toEqual({ kind: 'missing' })
      expect(await standing()).toBe(head)
    })

    test('a file that is gone is missing, and no tail takes its place', async () => {
      await stageFirst()
      await opened.lake.remove(path)
      expect(await tails().join(first)).toEqual({ kind: 'missing' })
      expect(await opened.lake.stat(path)).toBeUndefined()
    })
  })
}

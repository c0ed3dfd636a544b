import { expect } from 'vitest'
import type { Lake } from '../../src/ports/lake.ts'
import { type Suite, vitestSuite } from './suite.ts'

export interface OpenedLake {
  readonly lake: Lake
  /** The same lake, as another process has it. */
  readonly another: () => Lake
  close(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (body: Uint8Array | undefined): string | undefined =>
  body === undefined ? undefined : new TextDecoder().decode(body)

const staged = 'events/_staging/c1/0.staged'
const target = 'events/dt=2026-11-20/hour=13/growth-c1-0.parquet'
const place = { stagedPath: staged, path: target }

/** What every lake promises. Run on the simulated one and on each adapter. */
export function lakeContract(
  name: string,
  open: () => Promise<OpenedLake>,
  { describe, test, beforeEach, afterEach }: Suite = vitestSuite,
): void {
  describe(`lake contract: ${name}`, () => {
    let opened: OpenedLake
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())

    describe('putting', () => {
      test('a put if absent never replaces what stands there', async () => {
        const { lake } = opened
        expect(await lake.putIfAbsent('log/1.json', bytes('one'))).toEqual({ kind: 'created' })
        expect(await lake.putIfAbsent('log/1.json', bytes('two'))).toEqual({
          kind: 'already-exists',
        })
        expect(text(await lake.read('log/1.json'))).toBe('one')
      })

      test('of twenty racing puts exactly one wins, and its bytes stand', async () => {
        const { lake } = opened
        const bodies = Array.from({ length: 20 }, (_, racer) => `racer ${racer}`)
        const outcomes = await Promise.all(
          bodies.map((body) => lake.putIfAbsent('log/1.json', bytes(body))),
        )
        const winners = bodies.filter((_, racer) => outcomes[racer]?.kind === 'created')
        expect(winners).toHaveLength(1)
        expect(text(await lake.read('log/1.json'))).toBe(winners[0])
      })

      test('a put replaces the object whole and tells its size and time', async () => {
        const { lake } = opened
        await lake.put('clock/a', bytes('longer than the next'))
        const object = await lake.put('clock/a', bytes('next'))
        expect(text(await lake.read('clock/a'))).toBe('next')
        expect(object).toMatchObject({ path: 'clock/a', sizeBytes: 4 })
        expect(await lake.stat('clock/a')).toEqual(object)
        expect(Number.isSafeInteger(object.modifiedMs)).toBe(true)
      })

      test('an empty object is an object', async () => {
        const { lake } = opened
        await lake.putIfAbsent('log/1.json', new Uint8Array(0))
        expect(await lake.read('log/1.json')).toHaveLength(0)
        expect(await lake.stat('log/1.json')).toMatchObject({ sizeBytes: 0 })
      })

      test('a put that is given up leaves what stands', async () => {
        const { lake } = opened
        await lake.put('given/up', bytes('stands'))
        const given = lake.put('given/up', bytes('given up'), AbortSignal.abort())
        await expect(given).rejects.toMatchObject({ code: 'LAKE_UNAVAILABLE' })
        const nothing = lake.put('given/else', bytes('given up'), AbortSignal.abort())
        await expect(nothing).rejects.toMatchObject({ code: 'LAKE_UNAVAILABLE' })
        expect(text(await lake.read('given/up'))).toBe('stands')
        expect(await lake.list('given')).toHaveLength(1)
        expect(lake.lingersMs).toBeLessThan(120_000)
      })
    })

    describe('reading', () => {
      test('what is not there is undefined, whichever way it is asked for', async () => {
        const { lake } = opened
        await lake.put('a/file', bytes('x'))
        for (const path of ['nothing', 'no/folder/nothing', 'a/file/below-a-file', 'a']) {
          expect(await lake.stat(path), path).toBeUndefined()
          if (path === 'a') continue
          expect(await lake.read(path), path).toBeUndefined()
          expect(await lake.readRange(path, 0, 1), path).toBeUndefined()
        }
      })

      test('a range holds first and not next, and ends with the object', async () => {
        const { lake } = opened
        await lake.put('file', bytes('0123456789'))
        expect(text(await lake.readRange('file', 2, 5))).toBe('234')
        expect(text(await lake.readRange('file', 8, 20))).toBe('89')
        expect(text(await lake.readRange('file', 4, 4))).toBe('')
        expect(text(await lake.readRange('file', 30, 40))).toBe('')
      })

      test('a list holds every object below the folder, sorted, and nothing beside it', async () => {
        const { lake } = opened
        const paths = ['a/b/2', 'a/b/1', 'a/3', 'ab/4', 'a/b/c/5']
        for (const path of paths) await lake.put(path, bytes(path))
        const listed = await lake.list('a')
        expect(listed.map(({ path }) => path)).toEqual(['a/3', 'a/b/1', 'a/b/2', 'a/b/c/5'])
        expect(listed.map(({ sizeBytes }) => sizeBytes)).toEqual([3, 5, 5, 7])
        expect(await lake.list('nothing')).toEqual([])
      })
    })

    describe('staging and publishing', () => {
      const request = { ...place, sizeBytes: 8 }
      const chunks = [bytes('par'), new Uint8Array(0), bytes('quet!')]

      test('a staged file is to be seen nowhere that a reader looks', async () => {
        const { lake } = opened
        await lake.stage({ ...place, chunks })
        expect(await lake.stat(target)).toBeUndefined()
        expect(await lake.read(target)).toBeUndefined()
        expect((await lake.list('events')).map(({ path }) => path)).toEqual([staged])
      })

      test('what is published is the chunks in order, of the last time that it was staged', async () => {
        const { lake } = opened
        await lake.stage({ ...place, chunks: [bytes('before')] })
        await lake.stage({ ...place, chunks })
        expect(await lake.publish(request)).toEqual({ kind: 'published' })
        expect(text(await lake.read(target))).toBe('parquet!')
      })

      test('thousands of chunks are one file', async () => {
        const { lake } = opened
        const many = Array.from({ length: 5_000 }, (_, index) => bytes(`${index};`))
        const expected = many.map((chunk) => text(chunk)).join('')
        await lake.stage({ ...place, chunks: many })
        await lake.publish({ ...place, sizeBytes: expected.length })
        expect(text(await lake.read(target))).toBe(expected)
      })

      test('a file of many megabytes is whole', async () => {
        const { lake } = opened
        const large = Buffer.alloc(9 * 1_048_576, 'some bytes')
        const halves = [large.subarray(0, 5_000_000), large.subarray(5_000_000)]
        await lake.stage({ ...place, chunks: halves })
        expect(await lake.publish({ ...place, sizeBytes: large.length })).toEqual({
          kind: 'published',
        })
        expect(Buffer.compare((await lake.read(target)) ?? Buffer.of(), large)).toBe(0)
      })

      test('an empty file can be staged', async () => {
        const { lake } = opened
        await lake.stage({ ...place, chunks: [] })
        expect(await lake.publish({ ...place, sizeBytes: 0 })).toEqual({ kind: 'published' })
        expect(await lake.read(target)).toHaveLength(0)
      })

      test('publishing moves the staged file: it never stands in both places', async () => {
        const { lake } = opened
        await lake.stage({ ...place, chunks })
        expect(await lake.publish(request)).toEqual({ kind: 'published' })
        expect(text(await lake.read(target))).toBe('parquet!')
        expect(await lake.stat(staged)).toBeUndefined()
        expect(await lake.publish(request)).toEqual({ kind: 'already-published' })
      })

      test('ten who publish one file at once all see it published', async () => {
        const { lake } = opened
        await lake.stage({ ...place, chunks })
        const racers = Array.from({ length: 10 }, () => lake.publish(request))
        const kinds = (await Promise.all(racers)).map(({ kind }) => kind)
        expect(kinds.filter((kind) => kind !== 'already-published')).toContain('published')
        expect(kinds).not.toContain('missing')
        expect(text(await lake.read(target))).toBe('parquet!')
      })

      test('another size than the log says is told, and nothing is moved', async () => {
        const { lake } = opened
        await lake.stage({ ...place, chunks: [bytes('short')] })
        expect(await lake.publish(request)).toEqual({ kind: 'mismatch', foundBytes: 5 })
        expect(await lake.stat(target)).toBeUndefined()
        await lake.put(target, bytes('not ours at all'))
        expect(await lake.publish(request)).toEqual({ kind: 'mismatch', foundBytes: 15 })
        expect(text(await lake.read(target))).toBe('not ours at all')
      })

      test('neither staged nor published is missing', async () => {
        expect(await opened.lake.publish(request)).toEqual({ kind: 'missing' })
      })

      test('names that readers would take for data are refused', async () => {
        const { lake } = opened
        const stageAt = async (stagedPath: string): Promise<string> =>
          lake.stage({ stagedPath, path: target, chunks: [] })
        await expect(stageAt('events/_staging/c1/0.parquet')).rejects.toThrow(/does not look like/)
        await expect(stageAt('events/0.staged')).rejects.toThrow(/staging folder/)
      })

      test('what another process staged can be published', async () => {
        const { lake, another } = opened
        await lake.stage({ ...place, chunks })
        expect(await another().publish(request)).toEqual({ kind: 'published' })
        // Some object stores answer the second as they did the first.
        const again = await lake.publish(request)
        expect(['published', 'already-published']).toContain(again.kind)
        expect(text(await lake.read(target))).toBe('parquet!')
        expect(await lake.stat(staged)).toBeUndefined()
      })

      test('what was discarded cannot be published, by nobody', async () => {
        const { lake, another } = opened
        await lake.stage({ ...place, chunks })
        await another().discard(place)
        expect(await another().publish(request)).toEqual({ kind: 'missing' })
        expect(await lake.publish(request)).toEqual({ kind: 'missing' })
        expect(await lake.list('events')).toEqual([])
        await lake.discard(place)
      })
    })

    describe('moving and removing', () => {
      test('a move takes the object away and never replaces another', async () => {
        const { lake } = opened
        await lake.put('from', bytes('moved'))
        expect(await lake.move('from', 'aside/to')).toBe(true)
        expect(text(await lake.read('aside/to'))).toBe('moved')
        expect(await lake.stat('from')).toBeUndefined()
        expect(await lake.move('from', 'aside/to')).toBe(false)
        await lake.put('from', bytes('another'))
        await expect(lake.move('from', 'aside/to')).rejects.toThrow(/another object stands/)
        expect(text(await lake.read('aside/to'))).toBe('moved')
        expect(text(await lake.read('from'))).toBe('another')
      })

      test('removing what is not there is no trouble', async () => {
        const { lake } = opened
        await lake.put('events/x', bytes('x'))
        await lake.remove('events/x')
        await lake.remove('events/x')
        expect(await lake.list('events')).toEqual([])
      })

      test('a staging folder that was cleaned away can be staged to again', async () => {
        const { lake } = opened
        await lake.stage({ ...place, chunks: [bytes('one')] })
        await lake.discard(place)
        await lake.stage({ ...place, chunks: [bytes('two')] })
        await lake.publish({ ...place, sizeBytes: 3 })
        expect(text(await lake.read(target))).toBe('two')
      })
    })
  })
}

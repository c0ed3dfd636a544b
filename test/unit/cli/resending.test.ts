import { expect, test } from 'vitest'
import { InvariantError } from '../../../src/base/assert.ts'
import { Fault } from '../../../src/base/fault.ts'
import { deliverOnce } from '../../../src/cli/resending.ts'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import type { Notifier } from '../../../src/ports/notifier.ts'
import { sampleManifest } from '../../support/log-samples.ts'

const manifest: ReadyManifest = { ...sampleManifest(13), logEntry: 5 }

/** Does as it is told, and notes that it was closed. */
class Target implements Notifier {
  readonly target = 'success-file'
  readonly readable: boolean
  readonly delivered: string[] = []
  closed = 0
  readonly #trouble: Error | undefined

  constructor({ trouble, readable = false }: { trouble?: Error; readable?: boolean } = {}) {
    this.#trouble = trouble
    this.readable = readable
  }

  deliver({ id }: ReadyManifest): Promise<void> {
    if (this.#trouble !== undefined) return Promise.reject(this.#trouble)
    this.delivered.push(id)
    return Promise.resolve()
  }

  /** It has taken the delivery and shows nothing of it. */
  readBack(): Promise<boolean> {
    return Promise.resolve(false)
  }

  close(): Promise<void> {
    this.closed += 1
    return Promise.resolve()
  }
}

test('a delivery is told by its target, and the target closed', async () => {
  const target = new Target()
  expect(await deliverOnce(target, manifest, 1_000)).toEqual({ target: 'success-file' })
  expect([target.delivered, target.closed]).toEqual([[manifest.id], 1])
})

test.each([
  new Fault('NOTIFY_FAILED', { target: 'a', manifestId: 'm', reason: 'answered 500' }),
  new Fault('LAKE_REFUSED', { operation: 'put', path: 'a/_SUCCESS', reason: 'quota' }),
])('whatever a target refuses with is told of that target: %s', async (trouble) => {
  const target = new Target({ trouble })
  const { message: error } = trouble
  expect(await deliverOnce(target, manifest, 1_000)).toEqual({ target: 'success-file', error })
  expect(target.closed).toBe(1)
})

test('a target that can be asked counts when it shows the revision, not before', async () => {
  const target = new Target({ readable: true })
  const { error } = await deliverOnce(target, manifest, 1_000)
  expect(error).toBe('does not show revision 1 after 1000 ms at most')
})

test('a bug of ours is none of the target', async () => {
  const target = new Target({ trouble: new InvariantError('a bug') })
  await expect(deliverOnce(target, manifest, 1_000)).rejects.toThrow('a bug')
  expect(target.closed).toBe(1)
})

import { expect, test } from 'vitest'
import { Place } from '../../chaos/place.ts'
import type { CommitPhase } from '../../support/commit-phase.ts'

/** No process has it: nothing is signalled that is not ours. */
const pid = 2 ** 30

test('a worker is at work once it has committed since it was started, or hit', () => {
  const place = new Place(0)
  place.hear({ event: 'committed', worker: 0 })
  expect(place.isAtWork).toBe(false)
  place.hear({ event: 'worker started', worker: 0, pid })
  expect(place.isAtWork).toBe(false)
  place.hear({ event: 'committed', worker: 0 })
  expect(place.isAtWork).toBe(true)
  place.markHit()
  expect(place.isAtWork).toBe(false)
})

test('a worker that we killed is no trouble', async () => {
  const place = new Place(0)
  place.hear({ event: 'worker started', worker: 0, pid })
  const killed = place.kill()
  place.hear({ event: 'worker ended', worker: 0, code: null, signal: 'SIGKILL' })
  await killed
  expect(place.troubleText).toBeUndefined()
  expect(place.isAtWork).toBe(false)
})

test.each([
  { code: 1, signal: null },
  { code: 0, signal: null },
  { code: null, signal: 'SIGKILL' },
])('a worker that ended by itself with $code, $signal is trouble', ({ code, signal }) => {
  const place = new Place(3)
  place.hear({ event: 'worker started', worker: 3, pid })
  place.hear({ event: 'worker ended', worker: 3, code, signal })
  expect(place.troubleText).toBe(`worker 3 ended by itself: code ${code}, signal ${signal}`)
})

test('a worker that is behind runs until nothing is due before it is stopped accumulating', async () => {
  const place = new Place(0)
  place.hear({ event: 'worker started', worker: 0, pid })
  place.hear({ event: 'started', worker: 0, writerId: 'w' })
  let [commitLooks, dueLooks, stops] = [5, 5, 0]
  const watch = {
    isCommitting: async () => commitLooks-- > 0,
    isAnyDue: async () => dueLooks-- > 0,
    trace: async () => '',
    phaseOf: async (): Promise<CommitPhase> => {
      stops += 1
      return commitLooks < 0 && dueLooks < 0 ? 'accumulating' : 'published but unannounced'
    },
  }
  await place.stopIn('accumulating', watch, { puts: new Set() })
  expect(stops).toBe(1)
})

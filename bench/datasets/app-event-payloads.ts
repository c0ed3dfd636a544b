/** The app events of `app-event.ts` without their envelope. */
import { readFileSync } from 'node:fs'
import { AppEvents, cardinalities } from './app-event.ts'
import type { Dataset } from './dataset.ts'

export const appEventPayloads: Dataset = {
  name: 'app-event',
  protoText: readFileSync(new URL('app-event.proto', import.meta.url), 'utf8'),
  message: 'bench.AppEvent',
  cardinalities,
  pyarrowBar: 1.4,
  rows: 300_000,
  events(seed) {
    const events = new AppEvents(seed)
    return () => events.nextPayload()
  },
}

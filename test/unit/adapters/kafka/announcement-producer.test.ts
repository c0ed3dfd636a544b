import { expect, test } from 'vitest'
import {
  AnnouncementProducer,
  jsonForm,
} from '../../../../src/adapters/kafka/announcement-producer.ts'
import { SystemClock } from '../../../../src/adapters/local/system-clock.ts'

test.each([
  { transactional: false, atOnceMax: 1 },
  { transactional: true, atOnceMax: Number.POSITIVE_INFINITY },
])('transactional: $transactional takes deliveries of $atOnceMax streams at a time', (form) => {
  const announcing = new AnnouncementProducer({
    target: 'kafka:lake.ready',
    topic: 'lake.ready',
    brokers: ['127.0.0.1:1'],
    clientId: 'test',
    form: jsonForm,
    transactional: form.transactional,
    clock: new SystemClock(),
  })
  expect(announcing.atOnceMax).toBe(form.atOnceMax)
})

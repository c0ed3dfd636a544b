import { expect, it } from 'vitest'
import { compileFilter } from '../../../src/etl/expression.ts'
import { FilterStep } from '../../../src/etl/filter-step.ts'
import { settled } from '../../../src/model/event-load.ts'
import { loadOf } from '../../support/detached-loads.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, utf8 } from '../../support/raw-events.ts'

const message = messageOf('test.Event', [scalarField(['country', 1], 'string')])
const rule = (where: string, reason: string) => ({
  filter: compileFilter(where, message, 's'),
  reason,
})

it('each event goes to the first filter of its stream that does not keep it', () => {
  const values = ['DE', '', 'XX', 'DE', 'broken', ''].map((country) => ({
    value: country === 'broken' ? Uint8Array.from([10, 9]) : bytesField(1, utf8(country)),
  }))
  const streams = [0, 0, 0, 1, 0, settled]
  const { load, memory } = loadOf(values, (event) => streams[event] ?? settled)
  const fates: string[] = []
  const rules = [rule("country <> ''", 'no-country'), rule("country <> 'XX'", 'secret')]
  const step = new FilterStep([rules, []], memory, {
    filtered: (_, event, reason) => fates.push(`${event} filtered ${reason}`),
    refused: (_, event, { step: at, reason }) => fates.push(`${event} refused ${at} ${reason}`),
  })
  step.apply(load)
  expect(fates).toEqual([
    '1 filtered no-country',
    '2 filtered secret',
    '4 refused filter decode-malformed',
  ])
})

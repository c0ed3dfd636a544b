/** A profile of 300 columns, of which an event carries about 20. */
import protobuf from 'protobufjs'
import { Chance } from '../../src/demo/chance.ts'
import type { Dataset } from './dataset.ts'

const fieldCount = 300
/** Every event has the first ones: who, when, what. */
const alwaysCount = 5
const types = ['int64', 'string', 'double', 'int32', 'bool', 'string', 'uint64', 'float'] as const

interface WideField {
  readonly name: string
  readonly number: number
  readonly type: (typeof types)[number]
}

const fields: readonly WideField[] = Array.from({ length: fieldCount }, (_, index) => ({
  name: `attribute_${String(index + 1).padStart(3, '0')}`,
  number: index + 1,
  type: types[index % types.length] ?? 'int64',
}))

const protoText = `syntax = "proto3";

package bench;

message Profile {
${fields.map(({ name, number, type }) => `  optional ${type} ${name} = ${number};`).join('\n')}
}
`

function valueOf({ type, number }: WideField, chance: Chance): unknown {
  switch (type) {
    case 'string':
      return `value ${chance.integer(0, number * 10)}`
    case 'bool':
      return chance.happens(0.5)
    case 'double':
    case 'float':
      return chance.integer(0, 100_000) / 100
    default:
      return chance.integer(0, number * 1_000)
  }
}

export const wide: Dataset = {
  name: 'wide',
  protoText,
  message: 'bench.Profile',
  cardinalities:
    '300 optional fields, 5 always there, 5 to 25 of the others, low numbers more often; texts ' +
    '10 to 3,000 values, integers 1,000 to 300,000, fractions 100,000',
  pyarrowBar: 0.9,
  rows: 150_000,
  events(seed) {
    const chance = new Chance(seed)
    const type = protobuf.parse(protoText, { keepCase: true }).root.lookupType('bench.Profile')
    return () => {
      const profile: Record<string, unknown> = {}
      const give = (field: WideField | undefined): void => {
        if (field !== undefined) profile[field.name] = valueOf(field, chance)
      }
      for (const field of fields.slice(0, alwaysCount)) give(field)
      for (let left = chance.integer(5, 26); left > 0; left--) {
        const share = chance.fraction() * chance.fraction()
        give(fields[alwaysCount + Math.floor(share * (fieldCount - alwaysCount))])
      }
      return type.encode(profile).finish()
    }
  },
}

/** Events to be mutated: schemas that together have everything the decoder knows. */
import { readFileSync } from 'node:fs'
import { AppEvents } from '../../bench/datasets/app-event.ts'
import { Chance } from '../../src/demo/chance.ts'
import { everyTypeRow, wireOf } from '../support/every-type.ts'
import type { SchemaText } from './references.ts'
import { type Bytes, block, fixed32, joined, tag, textField, varint, varintField } from './wire.ts'

export interface MutationSource {
  readonly name: string
  readonly schema: SchemaText
  /** Well-formed events, as one draws them. */
  readonly events: readonly Uint8Array[]
}

const eventCount = 600
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const many = (make: (index: number) => Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: eventCount }, (_, index) => make(index))

const proto2Text = `syntax = "proto2";
package mutation;
enum Kind { NOUGHT = 0; ONE = 1; TWO = 2; LESS = -1; }
message Part { required int32 id = 1; optional string name = 2; repeated Part2 parts = 3; }
message Part2 { required sint64 at = 1; optional Kind kind = 2; map<int64, string> names = 3; }
message Mixed {
  required int64 id = 1;
  optional string text = 2;
  optional Kind kind = 3;
  repeated Kind kinds = 4;
  repeated Kind packed = 5 [packed = true];
  map<string, Kind> named = 6;
  map<uint64, Part2> by = 7;
  optional group Box = 8 { optional int32 width = 1; repeated fixed32 marks = 2; }
  repeated group Step = 11 {
    optional bytes raw = 1;
    optional group Inner = 2 { optional bool on = 1; }
  }
  oneof either { Part part = 12; Kind member = 13; double fraction = 14; string word = 15; }
  repeated Part parts = 16;
  optional int32 with_default = 17 [default = 7];
  map<bool, sint32> flags = 18;
}
`

/** Written by hand: protobufjs writes no unknown number of a closed enum, and no field twice. */
class MixedEvents {
  readonly #chance: Chance

  constructor(seed: number) {
    this.#chance = new Chance(seed)
  }

  next(): Uint8Array {
    const chance = this.#chance
    const fields: Bytes[] = [varintField(1, chance.integer(0, 1_000_000))]
    const makers = [
      () => textField(2, chance.pick(words)),
      () => varintField(3, this.#kind()),
      () => varintField(4, this.#kind()),
      () => block(chance.pick([4, 5]), ...this.#some(() => varint(this.#kind()))),
      () => block(6, textField(1, chance.hex(1)), varintField(2, this.#kind())),
      () => block(7, varintField(1, chance.integer(0, 3)), block(2, this.#part2())),
      () => this.#group(8, varintField(1, 5), [...tag(2, 5), ...fixed32(chance.integer(0, 99))]),
      () => this.#group(11, block(1, [chance.integer(0, 256)]), this.#group(2, varintField(1, 1))),
      () => block(12, this.#part()),
      () => varintField(13, this.#kind()),
      () => textField(15, chance.pick(words)),
      () => block(16, this.#part()),
      () => varintField(17, chance.integer(-5, 5)),
      () => block(18, varintField(1, chance.integer(0, 2)), varintField(2, 3)),
      () => varintField(500, chance.integer(0, 500)),
    ]
    for (let left = chance.integer(1, 14); left > 0; left--) fields.push(chance.pick(makers)())
    return Uint8Array.from(joined(...fields))
  }

  #kind(): number {
    return this.#chance.pick([0, 1, 2, -1, 1, 2, 9])
  }

  #some(make: () => Bytes): readonly Bytes[] {
    return Array.from({ length: this.#chance.integer(0, 4) }, make)
  }

  #part(): Bytes {
    const id = varintField(1, this.#chance.integer(0, 300))
    return joined(
      id,
      textField(2, this.#chance.pick(words)),
      ...this.#some(() => block(3, this.#part2())),
    )
  }

  #part2(): Bytes {
    const chance = this.#chance
    const names = this.#some(() =>
      block(3, varintField(1, chance.integer(0, 3)), textField(2, 'x')),
    )
    return joined(
      varintField(1, chance.integer(0, 1 << 20)),
      varintField(2, this.#kind()),
      ...names,
    )
  }

  #group(number: number, ...content: readonly Bytes[]): Bytes {
    return [...tag(number, 3), ...content.flat(), ...tag(number, 4)]
  }
}

const words = ['', 'a', 'ünïcödé', '日本語 text', 'sixteen bytes ok', '😀😀'] as const

/** @param seed the same seed gives the same events. */
export function mutationSources(seed: number): readonly MutationSource[] {
  const appEvents = new AppEvents(seed)
  const mixed = new MixedEvents(seed)
  return [
    {
      name: 'app-event',
      schema: { text: read('../../bench/datasets/app-event.proto'), message: 'bench.AppEvent' },
      events: many(() => appEvents.nextPayload()),
    },
    {
      name: 'every-type',
      schema: { text: read('../golden/parquet/every_type.proto'), message: 'golden.EveryType' },
      events: many((index) => wireOf(everyTypeRow(index))),
    },
    {
      name: 'proto2-mixed',
      schema: { text: proto2Text, message: 'mutation.Mixed' },
      events: many(() => mixed.next()),
    },
  ]
}

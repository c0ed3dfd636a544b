import { describe, expect, test } from 'vitest'
import { CompactBytes } from '../../../../src/codec/parquet/compact-bytes.ts'
import { boundBytesMax, writeStatistics } from '../../../../src/codec/parquet/statistics.ts'
import { decodeThrift } from '../../../../src/codec/parquet/thrift.ts'
import type { ColumnLeaf } from '../../../../src/model/table-schema.ts'
import { takenBytes } from '../../../support/taken-bytes.ts'

const leaf = (physical: ColumnLeaf['physical'], logical?: ColumnLeaf['logical']): ColumnLeaf => ({
  kind: 'leaf',
  name: 'x',
  repetition: 'optional',
  physical,
  logical,
  fieldId: undefined,
})

interface Written {
  readonly nullCount: bigint | undefined
  readonly min: string | undefined
  readonly max: string | undefined
  readonly minExact: boolean | undefined
  readonly maxExact: boolean | undefined
  readonly legacy: readonly (string | undefined)[]
}

function written(column: ColumnLeaf, min?: Uint8Array, max?: Uint8Array): Written {
  const out = new CompactBytes()
  writeStatistics(out, column, { nullCount: 3, min, max })
  const { fields } = decodeThrift(takenBytes(out))
  const hex = (id: number): string | undefined => {
    const value = fields.get(id)
    return value?.type === 'binary' ? Buffer.from(value.value).toString('hex') : undefined
  }
  const flag = (id: number): boolean | undefined => {
    const value = fields.get(id)
    return value?.type === 'bool' ? value.value : undefined
  }
  const nulls = fields.get(3)
  return {
    nullCount: nulls?.type === 'i64' ? nulls.value : undefined,
    min: hex(6),
    max: hex(5),
    minExact: flag(8),
    maxExact: flag(7),
    legacy: [hex(2), hex(1)],
  }
}

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

describe('the old pair of fields', () => {
  const bytes = [Buffer.from('01000000', 'hex'), Buffer.from('02000000', 'hex')] as const

  test('is written where values are compared as signed', () => {
    expect(written(leaf('int32'), ...bytes).legacy).toEqual(['01000000', '02000000'])
    expect(written(leaf('double'), double(1), double(2)).legacy).toEqual([
      hexOf(double(1)),
      hexOf(double(2)),
    ])
  })

  test('is left out for unsigned numbers and strings', () => {
    expect(written(leaf('int32', 'uint32'), ...bytes).legacy).toEqual([undefined, undefined])
    expect(written(leaf('int64', 'uint64'), ...bytes).legacy).toEqual([undefined, undefined])
    expect(written(leaf('byte-array', 'string'), ...bytes).legacy).toEqual([undefined, undefined])
    expect(written(leaf('int32', 'uint32'), ...bytes)).toMatchObject({
      min: '01000000',
      max: '02000000',
    })
  })
})

test('without bounds there is the number of nulls alone', () => {
  expect(written(leaf('int32'))).toEqual({
    nullCount: 3n,
    min: undefined,
    max: undefined,
    minExact: undefined,
    maxExact: undefined,
    legacy: [undefined, undefined],
  })
})

test('one bound alone is not written', () => {
  expect(written(leaf('int32'), Buffer.alloc(4), undefined).min).toBeUndefined()
  expect(written(leaf('int32'), undefined, Buffer.alloc(4)).max).toBeUndefined()
})

describe('fractions', () => {
  test.each([['double', double] as const, ['float', float] as const])(
    '%s: zero is widened to both zeros',
    (physical, bytesOf) => {
      expect(written(leaf(physical), bytesOf(0), bytesOf(-0))).toMatchObject({
        min: hexOf(bytesOf(-0)),
        max: hexOf(bytesOf(0)),
      })
      expect(written(leaf(physical), bytesOf(-1), bytesOf(1))).toMatchObject({
        min: hexOf(bytesOf(-1)),
        max: hexOf(bytesOf(1)),
        minExact: true,
        maxExact: true,
      })
    },
  )

  test.each([['double', double] as const, ['float', float] as const])(
    '%s: not a number leaves both bounds out',
    (physical, bytesOf) => {
      expect(written(leaf(physical), bytesOf(Number.NaN), bytesOf(1)).max).toBeUndefined()
      expect(written(leaf(physical), bytesOf(1), bytesOf(Number.NaN)).min).toBeUndefined()
    },
  )
})

describe('long strings', () => {
  const text = leaf('byte-array', 'string')
  const of = (value: string): Written => written(text, utf8(value), utf8(value))

  test('as long as allowed are exact', () => {
    const value = 'x'.repeat(boundBytesMax)
    expect(of(value)).toMatchObject({
      min: hexOf(utf8(value)),
      max: hexOf(utf8(value)),
      minExact: true,
      maxExact: true,
    })
  })

  test('are cut below and raised above', () => {
    const kept = 'x'.repeat(boundBytesMax - 1)
    expect(of('x'.repeat(boundBytesMax + 1))).toMatchObject({
      min: hexOf(utf8(`${kept}x`)),
      max: hexOf(utf8(`${kept}y`)),
      minExact: false,
      maxExact: false,
    })
  })

  test('are cut between characters', () => {
    const kept = 'x'.repeat(boundBytesMax - 1)
    expect(of(`${kept}éé`)).toMatchObject({
      min: hexOf(utf8(kept)),
      max: hexOf(utf8(`${'x'.repeat(boundBytesMax - 2)}y`)),
    })
  })

  test('are raised over the surrogates, and over characters that are the last', () => {
    const kept = 'x'.repeat(boundBytesMax - 3)
    expect(of(`${kept}\ud7ff…`).max).toBe(hexOf(utf8(`${kept}\ue000`)))
    expect(of(`${'x'.repeat(boundBytesMax - 4)}${last}…`).max).toBe(
      hexOf(utf8(`${'x'.repeat(boundBytesMax - 5)}y`)),
    )
  })

  const last = String.fromCodePoint(0x10ffff)

  test('of nothing but last characters stay whole up to a KiB, and have no bounds beyond', () => {
    const whole = last.repeat(256)
    expect(of(whole)).toMatchObject({
      min: hexOf(utf8(last.repeat(16))),
      max: hexOf(utf8(whole)),
      minExact: false,
      maxExact: true,
    })
    expect(of(last.repeat(257))).toMatchObject({ min: undefined, max: undefined })
  })

  test('that were cut within a character are raised by whole ones all the same', () => {
    const value = utf8('é'.repeat(40_000)).subarray(0, 65_535)
    const { min, max } = written(text, value, value)
    expect(min).toBe(hexOf(utf8('é'.repeat(32))))
    expect(max).toBe(hexOf(utf8(`${'é'.repeat(31)}ê`)))
  })

  test('that are not UTF-8 are raised as bytes', () => {
    const odd = Buffer.concat([Buffer.from([0x61, 0xff]), Buffer.alloc(80, 0x62)])
    const { max } = written(text, odd, odd)
    expect(max).toBe(`61ff${'62'.repeat(61)}63`)
  })
})

describe('long bytes', () => {
  const bytes = leaf('byte-array')

  test('are raised at the last byte below 0xff', () => {
    const value = Buffer.concat([Buffer.from([1, 2]), Buffer.alloc(80, 0xff)])
    expect(written(bytes, value, value)).toMatchObject({
      min: `0102${'ff'.repeat(62)}`,
      max: '0103',
      maxExact: false,
    })
  })

  test('of nothing but 0xff stay whole up to a KiB', () => {
    const value = Buffer.alloc(1_024, 0xff)
    expect(written(bytes, value, value)).toMatchObject({ max: hexOf(value), maxExact: true })
  })

  test('a long maximum without a bound takes a short minimum with it', () => {
    expect(written(bytes, Buffer.from([1]), Buffer.alloc(1_025, 0xff)).min).toBeUndefined()
  })
})

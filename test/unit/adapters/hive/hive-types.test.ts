import { describe, expect, test } from 'vitest'
import { isSamePlace } from '../../../../src/adapters/hive/hive-structs.ts'
import { hiveTypeOf, matchTypes } from '../../../../src/adapters/hive/hive-types.ts'
import type { ColumnGroup, ColumnLeaf, ColumnNode } from '../../../../src/model/table-schema.ts'

const leaf = (
  name: string,
  physical: ColumnLeaf['physical'],
  logical?: ColumnLeaf['logical'],
): ColumnLeaf => {
  return { kind: 'leaf', name, repetition: 'optional', physical, logical, fieldId: undefined }
}
const group = (
  name: string,
  children: readonly ColumnNode[],
  logical?: ColumnGroup['logical'],
): ColumnGroup => {
  return { kind: 'group', name, repetition: 'optional', logical, fieldId: undefined, children }
}

describe('a column of Parquet has a type of Hive', () => {
  test.each([
    ['boolean', leaf('a', 'boolean')],
    ['int', leaf('a', 'int32')],
    ['bigint', leaf('a', 'int64')],
    ['float', leaf('a', 'float')],
    ['double', leaf('a', 'double')],
    ['string', leaf('a', 'byte-array', 'string')],
    ['string', leaf('a', 'byte-array', 'enum')],
    ['binary', leaf('a', 'byte-array')],
    ['bigint', leaf('a', 'int32', 'uint32')],
    ['decimal(20,0)', leaf('a', 'int64', 'uint64')],
    ['timestamp', leaf('a', 'int64', 'timestamp-micros')],
    ['timestamp', leaf('a', 'int64', 'timestamp-millis')],
    ['timestamp', leaf('a', 'int96')],
  ])('%s', (type, column) => {
    expect(hiveTypeOf(column)).toBe(type)
  })

  test('nested as deep as it is, with names in lower case', () => {
    const item = group('element', [leaf('skuName', 'byte-array', 'string'), leaf('n', 'int32')])
    const items = group('items', [group('list', [item])], 'list')
    const entry = group('key_value', [leaf('key', 'byte-array', 'string'), items])
    const type = 'map<string,array<struct<skuname:string,n:int>>>'
    expect(hiveTypeOf(group('m', [entry], 'map'))).toBe(type)
  })
})

describe('a type that is there', () => {
  test.each(['int', 'array<struct<a:int>>', 'decimal(20,0)', 'uniontype<int,string>'])(
    '%s is the same as itself, however it is written',
    (type) => {
      const loud = type.toUpperCase().replaceAll(',', ', ')
      if (!type.startsWith('union')) expect(matchTypes(loud, type, 'c')).toEqual({ kind: 'same' })
      expect(matchTypes(type, type, 'c')).toEqual({ kind: 'same' })
    },
  )

  test.each([
    ['int', 'bigint'],
    ['bigint', 'int'],
    ['string', 'binary'],
    ['array<int>', 'array<bigint>'],
    ['map<string,int>', 'map<int,int>'],
    ['struct<a:int>', 'struct<a:string>'],
    ['array<int>', 'int'],
    ['decimal(20,0)', 'decimal(10,0)'],
    ['struct<a:array<struct<b:int>>>', 'struct<a:array<struct<b:string,c:int>>>'],
    ['uniontype<int,string>', 'string'],
  ])('%s never becomes %s', (found, wanted) => {
    expect(matchTypes(found, wanted, 'c')).toEqual({ kind: 'conflict' })
  })

  test('grows by fields anywhere in it, behind those it has, and keeps the others', () => {
    const found = 'array<struct<a:int,gone:string>>'
    const wanted = 'array<struct<b:struct<x:int>,a:int>>'
    expect(matchTypes(found, wanted, 'items')).toEqual({
      kind: 'grown',
      type: 'array<struct<a:int,gone:string,b:struct<x:int>>>',
      added: ['items.b'],
    })
  })

  test('with fewer fields wanted is the same', () => {
    expect(matchTypes('struct<a:int,b:int>', 'struct<b:int>', 'c')).toEqual({ kind: 'same' })
  })
})

test.each([
  ['file:/lake/t', 'file:///lake/t', true],
  ['hdfs://nn:8020/lake/t/', 'hdfs://nn:8020/lake/t', true],
  ['hdfs://nn:8020/lake/t', 'hdfs://other:8020/lake/t', false],
  ['file:/lake/t', 'file:/lake/tt', false],
])('%s and %s are one place: %s', (one, other, same) => {
  expect(isSamePlace(one, other)).toBe(same)
})

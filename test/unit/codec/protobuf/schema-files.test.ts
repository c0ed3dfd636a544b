import { expect, test } from 'vitest'
import {
  importCandidates,
  importsOf,
  isBundledImport,
} from '../../../../src/codec/protobuf/schema-files.ts'

test('imports of every kind are listed in their order', () => {
  const text = `syntax = "proto3"; // import "comment.proto";
    import "a.proto"; import public 'b/c.proto'; import weak "d.proto";
    /* import "block.proto"; */
    option note = "import"; message M { string import = 1; }
    import "e.proto";`
  expect(importsOf(text)).toEqual(['a.proto', 'b/c.proto', 'd.proto', 'e.proto'])
})

test('a source that cannot be cut into tokens still gives the imports before the fault', () => {
  expect(importsOf('import "a.proto"; "unfinished')).toEqual(['a.proto'])
  expect(importsOf('import "a.proto"; /* unfinished')).toEqual(['a.proto'])
  expect(importsOf('import')).toEqual([])
})

test('candidates stand beside the importer, then at the root, and never above it', () => {
  expect(importCandidates('a/b/x.proto', 'y.proto')).toEqual(['a/b/y.proto', 'y.proto'])
  expect(importCandidates('a/b/x.proto', '../y.proto')).toEqual(['a/y.proto'])
  expect(importCandidates('x.proto', './y.proto')).toEqual(['y.proto'])
  expect(importCandidates('x.proto', '../../y.proto')).toEqual([])
})

test('only files of google/protobuf are bundled', () => {
  expect(isBundledImport('google/protobuf/wrappers.proto')).toBe(true)
  expect(isBundledImport('google/protobuf/descriptor.proto')).toBe(true)
  expect(isBundledImport('google/protobuf/none.proto')).toBe(false)
  expect(isBundledImport('google/type/date.proto')).toBe(false)
  expect(isBundledImport('get')).toBe(false)
})

import { present } from '../base/assert.ts'

/**
 * How the values of a data page are written. Must agree with `PageEncoding` in
 * kernel/structures.ts, whose numbers are the places here.
 */
export const pageEncodings = [
  'plain',
  'rle-dictionary',
  'delta-binary-packed',
  'delta-length-byte-array',
] as const
export type PageEncoding = (typeof pageEncodings)[number]

/**
 * What a file may use outside of dictionaries. `auto`: deltas of integers. `delta`: lengths of
 * texts apart from them too, which some readers misread (ADR 0008). `plain`: neither.
 */
export type FileEncodings = 'auto' | 'delta' | 'plain'

/** @param place as the kernel gives it. */
export const pageEncoding = (place: number): PageEncoding =>
  present(pageEncodings[place], 'the kernel gives a known encoding')

import { present } from '../base/assert.ts'

/**
 * How the values of a data page are written. Must agree with `PageEncoding` in
 * kernel/structures.ts, whose numbers are the places here.
 */
export const pageEncodings = [
  'plain',
  'rle-dictionary',
  'delta-binary-packed',
  'delta-byte-array',
] as const
export type PageEncoding = (typeof pageEncodings)[number]

/**
 * What a file may use outside of dictionaries. `auto`: differences of integers, and texts with
 * their lengths apart from them (ADR 0008). `plain`: neither.
 */
export type FileEncodings = 'auto' | 'plain'

/** @param place as the kernel gives it. */
export const pageEncoding = (place: number): PageEncoding =>
  present(pageEncodings[place], 'the kernel gives a known encoding')

/** Wire bytes by hand: what encoders write, and what none would. */

export type Bytes = readonly number[]

export const wireTypes = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  group: 3,
  groupEnd: 4,
  fixed32: 5,
} as const

/** @param bytesMin padded with groups of zeros up to this length: an over-long varint. */
export function varint(value: bigint | number, bytesMin = 1): Bytes {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    const group = Number(rest & 127n)
    rest >>= 7n
    bytes.push(rest > 0n || bytes.length + 1 < bytesMin ? group | 128 : group)
  } while (rest > 0n || bytes.length < bytesMin)
  return bytes
}

export const tag = (field: number, wireType: number, bytesMin = 1): Bytes =>
  varint(BigInt(field) * 8n + BigInt(wireType), bytesMin)

/** Length and content. */
export const sized = (...content: readonly Bytes[]): Bytes => {
  const bytes = content.flat()
  return [...varint(bytes.length), ...bytes]
}

/** A length-delimited field. */
export const block = (field: number, ...content: readonly Bytes[]): Bytes => [
  ...tag(field, wireTypes.bytes),
  ...sized(...content),
]

export const varintField = (field: number, value: bigint | number): Bytes => [
  ...tag(field, wireTypes.varint),
  ...varint(value),
]

export const utf8 = (text: string): Bytes => [...new TextEncoder().encode(text)]
export const textField = (field: number, text: string): Bytes => block(field, utf8(text))

const viewOf = (sizeBytes: number, fill: (view: DataView) => void): Bytes => {
  const view = new DataView(new ArrayBuffer(sizeBytes))
  fill(view)
  return [...new Uint8Array(view.buffer)]
}
export const fixed32 = (value: number): Bytes =>
  viewOf(4, (view) => view.setUint32(0, value >>> 0, true))
export const fixed64 = (value: bigint): Bytes =>
  viewOf(8, (view) => view.setBigUint64(0, BigInt.asUintN(64, value), true))
export const float = (value: number): Bytes => viewOf(4, (view) => view.setFloat32(0, value, true))
export const double = (value: number): Bytes => viewOf(8, (view) => view.setFloat64(0, value, true))
export const zigzag = (value: bigint): Bytes => varint(value < 0n ? -2n * value - 1n : 2n * value)

export const joined = (...parts: readonly Bytes[]): Bytes => parts.flat()

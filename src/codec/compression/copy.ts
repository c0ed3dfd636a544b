/**
 * The two copies that LZ77 codecs are made of. Callers check the bounds.
 *
 * A call of `set` or `copyWithin` costs as much as a loop over some 40 bytes, hence the limit.
 */
const loopSizeBytesMax = 40

export interface Literal {
  readonly input: Uint8Array
  readonly from: number
  readonly length: number
}

/** Copies input bytes to `output` at `to`. */
export function copyLiteral({ input, from, length }: Literal, output: Uint8Array, to: number) {
  if (length > loopSizeBytesMax) {
    output.set(input.subarray(from, from + length), to)
    return
  }
  for (let index = 0; index < length; index++) output[to + index] = input[from + index] ?? 0
}

/** Repeats `length` bytes of the output from `distance` before `end`; both may overlap. */
export function repeat(output: Uint8Array, end: number, length: number, distance: number): void {
  const from = end - distance
  if (length > loopSizeBytesMax && distance >= length) {
    output.copyWithin(end, from, from + length)
    return
  }
  for (let index = 0; index < length; index++) output[end + index] = output[from + index] ?? 0
}

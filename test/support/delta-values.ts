/** An independent reader of DELTA_BINARY_PACKED: bit by bit, by the specification alone. */

export interface DeltaStream {
  /** Wrapped around to the width of the type. */
  readonly values: readonly bigint[]
  /** Bytes that the stream takes. */
  readonly sizeBytes: number
}

class Bits {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new RangeError('a delta stream is whole')
    return byte
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(this.byte())
      value |= (byte & 0x7fn) << shift
      if (byte < 0x80n) return value
    }
  }

  zigzag(): bigint {
    const folded = this.varint()
    return (folded >> 1n) ^ -(folded & 1n)
  }

  /** 32 values of `width` bits. */
  miniblock(width: number): bigint[] {
    const bytes = Array.from({ length: width * 4 }, () => this.byte())
    const whole = bytes.reduceRight((above, byte) => (above << 8n) | BigInt(byte), 0n)
    const mask = (1n << BigInt(width)) - 1n
    return Array.from({ length: 32 }, (_, index) => (whole >> BigInt(index * width)) & mask)
  }
}

/** @param bits of the type: 32 or 64. Widths above it are refused, as readers do. */
export function readDeltas(bytes: Uint8Array, bits: 32 | 64): DeltaStream {
  const stream = new Bits(bytes)
  const [block, miniblocks] = [stream.varint(), stream.varint()]
  if (block !== 128n || miniblocks !== 4n) throw new RangeError('blocks of 128, in four parts')
  const count = Number(stream.varint())
  const first = stream.zigzag()
  const values = count === 0 ? [] : [first]
  while (values.length < count) {
    const least = stream.zigzag()
    const widths = [0, 1, 2, 3].map(() => stream.byte())
    for (const width of widths) {
      if (width > bits) throw new RangeError(`a difference of ${width} bits in ${bits}`)
      if (values.length >= count) {
        if (width !== 0) throw new RangeError('a miniblock that nobody needs has no width')
        continue
      }
      for (const rest of stream.miniblock(width)) {
        if (values.length >= count) break
        values.push(BigInt.asIntN(bits, (values.at(-1) ?? 0n) + least + rest))
      }
    }
  }
  return { values, sizeBytes: stream.at }
}

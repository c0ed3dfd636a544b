import blocks from './foreign-blocks.json' with { type: 'json' }

const encoder = new TextEncoder()
const words = ['page_view', 'purchase', 'country=DE;', 'a'.repeat(37)].map((word) =>
  encoder.encode(word),
)

function firstBytes(sizeBytes: number): Uint8Array {
  const out: number[] = []
  for (let state = 12_345; out.length < sizeBytes; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    out.push(...(words[(state >> 16) & 3] ?? []), (state >> 8) & 255)
  }
  return Uint8Array.from(out.slice(0, sizeBytes))
}

/** What foreign-blocks.py packs: the large sample repeats its first thousand bytes. */
export function sampleBytes(sizeBytes: number): Uint8Array {
  if (sizeBytes <= 1_000) return firstBytes(sizeBytes)
  const period = firstBytes(1_000)
  return Uint8Array.from({ length: sizeBytes }, (_, at) => period[at % 1_000] ?? 0)
}

/** Blocks that other programs packed. */
export const foreignBlocks = blocks.map(({ name, sizeBytes, codec, base64 }) => ({
  name,
  codec,
  packed: new Uint8Array(Buffer.from(base64, 'base64')),
  bytes: sampleBytes(sizeBytes),
}))

/** Checkpoints as files, held to what the entries below them say. */
import { zstdDecompressSync } from 'node:zlib'
import type { LogState } from './fold-state.ts'

/** All that a checkpoint must say, a line each, in no order. */
export function linesOf(state: LogState): readonly string[] {
  const { next, checksum, config, voidCount } = state
  const lines: unknown[] = []
  for (const [lane, ofLane] of state.positions) {
    for (const position of ofLane.values()) lines.push({ line: 'position', lane, position })
  }
  for (const [stream, { announcedNextMs, progress, partitions, closed }] of state.streams) {
    lines.push({ line: 'stream', stream, announcedNextMs })
    if (closed !== undefined) lines.push({ line: 'closed', stream, closed })
    for (const one of progress.values()) lines.push({ line: 'progress', stream, progress: one })
    for (const one of partitions.values()) lines.push({ line: 'partition', stream, partition: one })
  }
  for (const evidence of state.evidence.values()) lines.push({ line: 'evidence', evidence })
  for (const [writerId, writer] of state.writers) lines.push({ line: 'writer', writerId, writer })
  for (const commit of state.unpublished.values()) lines.push({ line: 'unpublished', commit })
  for (const announcement of state.undelivered) lines.push({ line: 'undelivered', announcement })
  for (const entry of state.voids) lines.push({ line: 'void', void: entry })
  const lineCount = lines.length
  const head = { line: 'head', foldVersion: 1, next, checksum, config, voidCount, lineCount }
  return [head, ...lines].map(canonical).sort()
}

/** The lines of a checkpoint's bytes, whose keys are sorted; why an entry is void is for people. */
export function linesIn(bytes: Uint8Array): readonly string[] {
  const texts = zstdDecompressSync(bytes).toString().trimEnd().split('\n')
  const isVoid = (text: string): boolean => text.includes('"line":"void"')
  return texts
    .map((text) => (isVoid(text) ? canonical(JSON.parse(text, withoutReason)) : text))
    .sort()
}

const withoutReason = (key: string, value: unknown): unknown =>
  key === 'because' ? undefined : value

/** Texts of values, which are never changed: most of a state is as it was before. */
const textsKnown = new WeakMap<object, string>()

/** JSON with sorted keys; what is undefined is left out. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const known = textsKnown.get(value)
  if (known !== undefined) return known
  const text = Array.isArray(value) ? `[${value.map(canonical).join()}]` : `{${inOrder(value)}}`
  textsKnown.set(value, text)
  return text
}

const inOrder = (value: object): string =>
  Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .join()

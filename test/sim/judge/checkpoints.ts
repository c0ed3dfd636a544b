/** Checkpoints as files, held to what the entries below them say. */
import { zstdDecompressSync } from 'node:zlib'
import type { LogState } from './fold-state.ts'

/** All that a checkpoint must say, a line each, sorted. */
export function linesOf(state: LogState): readonly string[] {
  const { next, checksum, config, voidCount } = state
  const lines: string[] = []
  const say = (value: object, line: object): void => void lines.push(textOf(value, line))
  for (const [lane, ofLane] of state.positions) {
    for (const position of ofLane.values()) say(position, { line: 'position', lane, position })
  }
  for (const [stream, folded] of state.streams) {
    const { announcedNextMs, progress, partitions, closed, skipped } = folded
    lines.push(canonical({ line: 'stream', stream, announcedNextMs }))
    if (skipped !== undefined) say(skipped, { line: 'skipped', stream, skipped })
    if (closed !== undefined) say(closed, { line: 'closed', stream, closed })
    for (const one of progress.values()) say(one, { line: 'progress', stream, progress: one })
    for (const one of partitions.values()) say(one, { line: 'partition', stream, partition: one })
  }
  for (const evidence of state.evidence.values()) say(evidence, { line: 'evidence', evidence })
  for (const [writerId, writer] of state.writers) say(writer, { line: 'writer', writerId, writer })
  for (const commit of state.unpublished.values()) say(commit, { line: 'unpublished', commit })
  for (const told of state.undelivered) say(told, { line: 'undelivered', announcement: told })
  for (const entry of state.voids) say(entry, { line: 'void', void: entry })
  for (const entry of state.steppedOver) lines.push(canonical({ line: 'stepped-over', entry }))
  for (const commitId of state.forgotten) lines.push(canonical({ line: 'forgotten', commitId }))
  const lineCount = lines.length
  const head = { line: 'head', foldVersion: 1, next, checksum, config, voidCount, lineCount }
  return [canonical(head), ...lines].sort()
}

/** Lines by what they tell of, which is never changed, nor told of in two lines. */
const linesKnown = new WeakMap<object, string>()

function textOf(value: object, line: object): string {
  const known = linesKnown.get(value) ?? canonical(line)
  linesKnown.set(value, known)
  return known
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
export function canonical(value: unknown): string {
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

import { findLetter, type LetterQuery, readLetterTable } from '../../audit/dead-letters.ts'
import { present } from '../../base/assert.ts'
import { isoOf, unixMs } from '../../base/time.ts'
import {
  type CommandDefinition,
  configOption,
  exitCode,
  type Invocation,
  refusal,
  shardOption,
} from '../command.ts'
import { alignedRows, jsonText } from '../output.ts'
import { openReading } from '../reading.ts'

/** `lakeward dlq show`: one dead letter whole. */
export const command: CommandDefinition = {
  arguments: [
    {
      name: 'letter',
      description: 'a fingerprint (its newest letter), or topic/partition/offset/index',
      required: true,
    },
  ],
  options: [configOption, shardOption],
  example: 'lakeward dlq show growth.events/3/812344/0',
  run: async (invocation) => {
    const query = queryOf(invocation)
    const topic = query.kind === 'place' ? query.topic : undefined
    const { config, lake, log } = await openReading(invocation, topic)
    const table = await readLetterTable({ lake, pipeline: config.pipeline }, log.state)
    const found = await findLetter(lake, table, query)
    if (found === undefined) {
      const why = `no dead letter "${invocation.arguments[0]}"`
      invocation.output.answer({ found: false, why }, [why])
      return exitCode.failed
    }
    const { row, path, count, replayedBy } = found
    const letter = Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, shownValue(value)]),
    )
    const lines = letterLines(letter, path, count)
    const told = replayedBy === undefined ? [] : [`taken in again by entry ${replayedBy}`]
    invocation.output.answer({ letter, path, count, replayedBy }, [...lines, ...told])
    return exitCode.done
  },
}

const placeShape =
  /^(?<topic>[^/]+)\/(?<partition>\d{1,9})\/(?<offset>\d{1,19})\/(?<index>\d{1,9})$/

function queryOf(invocation: Invocation): LetterQuery {
  const given = present(invocation.arguments[0], 'LETTER is required')
  if (/^[0-9a-f]{16}$/.test(given)) return { kind: 'fingerprint', fingerprint: given }
  const { topic, partition, offset, index } = placeShape.exec(given)?.groups ?? {}
  if (topic === undefined || offset === undefined) {
    const accepted = 'a fingerprint of 16 hex digits, or topic/partition/offset/index'
    throw refusal(invocation, `"${given}" is no letter; accepted: ${accepted}`)
  }
  return {
    kind: 'place',
    topic,
    partition: Number(partition),
    offset: BigInt(offset),
    index: Number(index),
  }
}

/** Bytes as hex, and as text where they are some. */
export interface ShownBytes {
  readonly hex: string
  readonly text: string | undefined
}

export function shownBytes(bytes: Uint8Array): ShownBytes {
  return { hex: Buffer.from(bytes).toString('hex'), text: printableText(bytes) }
}

/** Text without control characters but white space; undefined for anything else. */
function printableText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return /^[^\p{Cc}]*$/u.test(text.replaceAll(/[\t\n\r]/g, '')) ? text : undefined
  } catch {
    return undefined
  }
}

function shownValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return shownBytes(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, part]: [string, unknown]) => [key, shownValue(part)]),
  )
}

function letterLines(
  letter: Readonly<Record<string, unknown>>,
  path: string,
  count: number,
): readonly string[] {
  const rows = Object.entries(letter).flatMap(([name, value]) => fieldRows(name, value))
  const others = count > 1 ? [`the newest of ${count}`] : []
  return [...alignedRows(rows), path, ...others]
}

function fieldRows(name: string, value: unknown): readonly (readonly string[])[] {
  if (value === null || value === undefined) return [[name, '-']]
  if (isShownBytes(value)) {
    const text = value.text === undefined ? [] : [[`${name} as text`, value.text]]
    return [[name, value.hex], ...text]
  }
  if (typeof value === 'bigint' && name.endsWith('_ms')) {
    return [[name, `${value}, ${isoOf(unixMs(Number(value)))}`]]
  }
  if (typeof value === 'string') return [[name, value]]
  if (typeof value !== 'object') return [[name, jsonText(value)]]
  const parts = Object.entries(value)
  if (parts.length === 0) return [[name, '-']]
  return parts.flatMap(([key, part]: [string, unknown]) => fieldRows(`${name}.${key}`, part))
}

const isShownBytes = (value: unknown): value is ShownBytes =>
  typeof value === 'object' && value !== null && 'hex' in value && 'text' in value

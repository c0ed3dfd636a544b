/**
 * What a writer says of itself in the object that it reads the lake's clock by.
 *
 *     {"newestFormat":2}
 *
 * Nothing in it, or nothing that can be read, is a writer of the first format: writers that knew
 * that one alone left it empty.
 */
import { z } from 'zod'
import { firstFormat } from '../../model/log-entry.ts'
import { encodeJson, parseJson, parseShape } from './json.ts'

const noteShape = z.looseObject({ newestFormat: z.int().min(firstFormat) })

export const encodeWriterNote = (newestFormat: number): Uint8Array =>
  newestFormat === firstFormat ? new Uint8Array(0) : Buffer.from(encodeJson({ newestFormat }))

/** @returns the newest format of the log that the writer can read and write. */
export function newestFormatOf(note: Uint8Array): number {
  const json = parseJson(note)
  const parsed = json.kind === 'refused' ? json : parseShape(noteShape, json.value)
  return parsed.kind === 'refused' ? firstFormat : parsed.value.newestFormat
}

/**
 * What stands at a staged path on S3: the upload that becomes the file, ready to be completed by
 * anyone.
 *
 *     {"format":1,"path":"t/dt=2026-11-20/hour=13/growth-9f3a-0.parquet","uploadId":"…",
 *      "sizeBytes":12,"crc32c":"yZRlqg==","parts":[{"etag":"\"9a0…\"","crc32c":"yZRlqg=="}]}
 *
 * Invariants: written after the last part; never changed; removed when the file stands.
 */
import { type ZodType, z } from 'zod'
import { Fault } from '../../base/fault.ts'

export interface UploadPart {
  readonly etag: string
  /** Base64 of its four bytes, as S3 writes it. */
  readonly crc32c: string
}

export interface UploadTicket {
  /** Of the file, from the lake's root. */
  readonly path: string
  readonly uploadId: string
  readonly sizeBytes: number
  /** Of the whole file. */
  readonly crc32c: string
  /** In order: the first is part number 1. */
  readonly parts: readonly UploadPart[]
}

const ticketShape: ZodType<UploadTicket & { readonly format: 1 }> = z.strictObject({
  format: z.literal(1),
  path: z.string().min(1),
  uploadId: z.string().min(1),
  sizeBytes: z.int().nonnegative(),
  crc32c: z.string(),
  parts: z.array(z.strictObject({ etag: z.string().min(1), crc32c: z.string() })).min(1),
})

export const encodeTicket = (ticket: UploadTicket): Uint8Array =>
  Buffer.from(JSON.stringify({ format: 1, ...ticket }))

/**
 * @param at path of the object, for the message of the fault.
 * @throws {Fault} `LAKE_FILE_UNREADABLE`.
 */
export function parseTicket(bytes: Uint8Array, at: string): UploadTicket {
  const outcome = ticketShape.safeParse(jsonOf(bytes))
  if (!outcome.success) {
    const reason = `it is no staged upload: ${outcome.error.issues[0]?.message ?? ''}`
    throw new Fault('LAKE_FILE_UNREADABLE', { path: at, reason })
  }
  const { format: _, ...ticket } = outcome.data
  return ticket
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

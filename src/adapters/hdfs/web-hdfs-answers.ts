/**
 * What WebHDFS answers with success, as values.
 *
 *     {"FileStatus":{"type":"FILE","length":12,"modificationTime":1763800000000,"fileId":16390}}
 *     {"FileStatuses":{"FileStatus":[{"pathSuffix":"x"}]}}
 *     {"boolean":true}
 *     {"Token":{"urlString":"GgAEcm9vd…"}}    {"Token":null}    {"long":1763800000000}
 *     {"Location":"http://dn1:9864/webhdfs/v1/…"}
 *     nothing at all: RENAME with options, CONCAT
 *     Content-Type: application/octet-stream, and the bytes of a file
 *
 * What is none of these is no answer of WebHDFS: whoever asked may ask again.
 */
import { z } from 'zod'
import { unixMs } from '../../base/time.ts'
import type { HttpAnswer } from './hdfs-http.ts'

const bytesType = 'application/octet-stream'

const statusShape = z.object({
  pathSuffix: z.string(),
  type: z.enum(['FILE', 'DIRECTORY', 'SYMLINK']),
  length: z.int().nonnegative(),
  modificationTime: z.int(),
  fileId: z.number(),
})
const fileShape = z.object({ FileStatus: statusShape })
const folderShape = z.object({ FileStatuses: z.object({ FileStatus: z.array(statusShape) }) })
const truthShape = z.object({ boolean: z.boolean() })
const tokenShape = z.object({ Token: z.object({ urlString: z.string() }).nullable() })
const expiryShape = z.object({ long: z.number() })
const locationShape = z.object({ Location: z.url({ protocol: /^https?$/ }) })

export const parseStatus = (body: Buffer) => fileOf(parsed(fileShape, body).FileStatus)

/** By name. What stands at the path itself, where it is a file, has none. */
export function parseFolder(body: Buffer) {
  const all = parsed(folderShape, body).FileStatuses.FileStatus
  const named = all.filter(({ pathSuffix }) => pathSuffix !== '')
  return new Map(named.map((status) => [status.pathSuffix, fileOf(status)]))
}

export const parseTruth = (body: Buffer): boolean => parsed(truthShape, body).boolean

/** @returns undefined where the cluster gives none. */
export const parseToken = (body: Buffer): string | undefined =>
  parsed(tokenShape, body).Token?.urlString

/** @returns when a token ends, by the cluster's clock. */
export const parseExpiry = (body: Buffer): number => parsed(expiryShape, body).long

export const parseLocation = (body: Buffer): URL => new URL(parsed(locationShape, body).Location)

/** Whoever stands between may say 200 to anything, with a page of its own. */
export function parseNothing(body: Buffer): void {
  if (body.length > 0) throw foreign(`${body.length} bytes where nothing is said`)
}

/** @param bytesMax what was asked for, at most. */
export function parseBytes({ body, contentType }: HttpAnswer, bytesMax: number): Buffer {
  if (contentType !== undefined && !contentType.startsWith(bytesType)) {
    throw foreign(`${contentType} where bytes of a file are`)
  }
  if (body.length > bytesMax) throw foreign(`${body.length} bytes of ${bytesMax} asked for`)
  return body
}

const fileOf = (status: z.output<typeof statusShape>) => ({
  isFile: status.type === 'FILE',
  sizeBytes: status.length,
  modifiedMs: unixMs(status.modificationTime),
  fileId: status.fileId,
})

function parsed<T>(shape: z.ZodType<T>, body: Buffer): T {
  const outcome = shape.safeParse(jsonOf(body))
  if (outcome.success) return outcome.data
  const told = outcome.error.issues[0]?.message ?? ''
  throw foreign(told)
}

const foreign = (told: string): Error =>
  Object.assign(new Error(`no answer of WebHDFS: ${told}`), { code: 'EPROTO' })

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

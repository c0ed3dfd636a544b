/**
 * Lists of files as strict shapes. They are nearly all of a checkpoint, and what a start waits for:
 * a list that is as it should be is seen by hand, any other is judged by the shape of its items,
 * which tells what is wrong with it and where.
 *
 * Invariant: what is taken by hand is taken by the shape too, with the same value; brands are no
 * part of a value.
 */
import { type ZodType, z } from 'zod'
import type { DataFile, FileBase } from '../../model/data-file.ts'
import type { ManifestFile } from '../../model/ready-manifest.ts'

/** @param isPlain true only for what `item` takes as it is. */
function listOf<T>(item: ZodType<T>, isPlain: (value: object) => boolean): ZodType<T[]> {
  const list = z.array(item)
  return z.unknown().transform((value, context): T[] => {
    if (Array.isArray(value) && value.every((one) => isObject(one) && isPlain(one))) {
      return value as T[]
    }
    const outcome = list.safeParse(value)
    if (outcome.success) return outcome.data
    for (const { path, message } of outcome.error.issues) {
      context.addIssue({ code: 'custom', path, message })
    }
    return z.NEVER
  })
}

export const dataFilesOf = (item: ZodType<DataFile>): ZodType<DataFile[]> =>
  listOf(item, isDataFile)

export const manifestFilesOf = (item: ZodType<ManifestFile>): ZodType<ManifestFile[]> =>
  listOf(item, isManifestFile)

/** Keys as they are written down, none of them known to be there. */
type Written<T> = { readonly [K in keyof T]?: unknown }

const dataFileKeys = 10
const baseKeys = 2
const manifestFileKeys = 4
const timeKeys = 2
const crcShape = /^[0-9a-f]{8}$/

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const isCount = (value: unknown): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isName = (value: unknown): boolean => typeof value === 'string' && value.length > 0

function isDataFile(value: object): boolean {
  const file = value as Written<DataFile>
  const { crc32c, eventTimeMs } = file
  return (
    typeof file.stream === 'string' &&
    typeof file.table === 'string' &&
    isName(file.partitionPath) &&
    isName(file.path) &&
    isName(file.stagedPath) &&
    isCount(file.sizeBytes) &&
    isCount(file.rowCount) &&
    typeof crc32c === 'string' &&
    crcShape.test(crc32c) &&
    Number.isSafeInteger(file.schemaVersion) &&
    isObject(eventTimeMs) &&
    isTimeSpan(eventTimeMs) &&
    isOptionalBase(file.base) &&
    Object.keys(value).length === dataFileKeys + ('base' in value ? 1 : 0)
  )
}

/** Of a file that grew. */
function isOptionalBase(value: unknown): boolean {
  if (value === undefined) return true
  if (!isObject(value) || Object.keys(value).length !== baseKeys) return false
  const { sizeBytes, rowCount } = value as Written<FileBase>
  return isCount(sizeBytes) && isCount(rowCount)
}

function isTimeSpan(value: object): boolean {
  const { min, max } = value as Written<DataFile['eventTimeMs']>
  return Number.isFinite(min) && Number.isFinite(max) && Object.keys(value).length === timeKeys
}

function isManifestFile(value: object): boolean {
  const file = value as Written<ManifestFile>
  return (
    typeof file.path === 'string' &&
    isCount(file.bytes) &&
    isCount(file.rows) &&
    typeof file.crc32c === 'string' &&
    Object.keys(value).length === manifestFileKeys
  )
}

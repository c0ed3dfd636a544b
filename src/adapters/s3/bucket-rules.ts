/**
 * Rules by which a bucket removes or archives by itself what a lake needs.
 *
 *     {"ID":"old","Status":"Enabled","Filter":{"Prefix":"lake/"},"Expiration":{"Days":30}}
 *     → rule "old" removes objects below "lake/" after 30 days
 *
 * - Rules for objects with tags are of others: ours have none.
 * - Old versions of objects are nobody's: rules about them are not told.
 * - A bucket may have other tenants, beside the lake's prefix and, where that is the bucket's root,
 *   beside our folders: rules for what is theirs are not told.
 *
 * Source: Amazon S3 API, "LifecycleRule".
 */
import { GetBucketLifecycleConfigurationCommand, type LifecycleRule } from '@aws-sdk/client-s3'
import { Fault } from '../../base/fault.ts'
import type { StorageRule, StorageRules } from '../../ports/lake.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { told } from './s3-failure.ts'

/** An upload that was decided may wait for a writer to come back. See docs/rights.md. */
const openDaysMin = 7
/** What lies there is not read before somebody has asked for it, and waited for hours. */
const archives: ReadonlySet<string | undefined> = new Set(['GLACIER', 'DEEP_ARCHIVE'])

/** Asks once; where they are not told, that is no fault of the lake's. */
export async function readBucketRules(
  bucket: S3Bucket,
  folders: readonly string[],
  signal: AbortSignal,
): Promise<StorageRules> {
  const { client, requests, where, prefix } = bucket.options
  const input = { Bucket: where.bucket }
  try {
    const answer = await requests.ask({
      operation: 'read',
      path: 'lifecycle rules of the bucket',
      priced: 'read',
      signal,
      send: async () =>
        told((await client.send(new GetBucketLifecycleConfigurationCommand(input))).Rules, 'rules'),
    })
    const rules = answer.kind === 'answered' ? answer.value : []
    return { kind: 'told', against: rulesAgainst(rules, { prefix, folders }) }
  } catch (error) {
    if (error instanceof Fault) return { kind: 'unknown', reason: error.message }
    throw error
  }
}

export interface OurPlace {
  /** Of the lake, without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string
  /** From there. */
  readonly folders: readonly string[]
}

/** Those that are in force and reach into one of our folders. */
export function rulesAgainst(
  rules: readonly LifecycleRule[],
  { prefix, folders }: OurPlace,
): readonly StorageRule[] {
  const roots = folders.map((folder) => (prefix === '' ? `${folder}/` : `${prefix}/${folder}/`))
  return rules.flatMap((rule) => {
    const { Status, Filter, ID } = rule
    const isTagged = Filter?.Tag !== undefined || (Filter?.And?.Tags ?? []).length > 0
    const reach = Filter?.Prefix ?? Filter?.And?.Prefix ?? prefixOfOld(rule) ?? ''
    const touches = roots.some((root) => root.startsWith(reach) || reach.startsWith(root))
    if (Status !== 'Enabled' || isTagged || !touches) return []
    const name = ID === undefined || ID === '' ? 'a rule without a name' : `rule "${ID}"`
    const place = reach === '' ? 'all objects' : `objects below "${reach}"`
    return deedsOf(rule, place).map((deed) => ({ ...deed, says: `${name} ${deed.says}` }))
  })
}

/** As rules were written before they had filters; the SDK marks it, stores still give it. */
const prefixOfOld = (rule: LifecycleRule): string | undefined => {
  const value: unknown = Reflect.get(rule, 'Prefix')
  return typeof value === 'string' ? value : undefined
}

function deedsOf(rule: LifecycleRule, place: string): readonly StorageRule[] {
  const { AbortIncompleteMultipartUpload: abort, Expiration: end, Transitions = [] } = rule
  const openDays = abort?.DaysAfterInitiation
  const deeds: StorageRule[] = []
  const does = (says: string, endsUploads = false): number => deeds.push({ says, endsUploads })
  if (openDays !== undefined && openDays < openDaysMin) {
    const needed = `at least ${days(openDaysMin)} needed`
    does(`gives up open uploads after ${days(openDays)}, ${needed}`, true)
  }
  const removed = end && momentOf(end)
  if (removed !== undefined) does(`removes ${place} ${removed}`)
  const archiving = Transitions.find(({ StorageClass }) => archives.has(StorageClass))
  if (archiving !== undefined) {
    const moment = momentOf(archiving) ?? 'at once'
    does(`moves ${place} ${moment} to ${archiving.StorageClass}, where nobody reads them`)
  }
  return deeds
}

interface RuleMoment {
  readonly Days?: number | undefined
  readonly Date?: Date | undefined
}

/** @returns undefined for a rule that is about old versions alone. */
function momentOf({ Days, Date: date }: RuleMoment): string | undefined {
  if (date !== undefined) return `on ${date.toISOString().slice(0, 10)}`
  return Days === undefined || Days === 0 ? undefined : `after ${days(Days)}`
}

const days = (count: number): string => (count === 1 ? '1 day' : `${count} days`)

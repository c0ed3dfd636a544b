/** The flags of `npm run chaos`. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Assignment, FileMode } from './numbered.ts'
import type { LakeKind } from './plan.ts'

export type BrokerKind = 'embedded' | 'kafka-4'

export interface Flags {
  readonly kills: number
  readonly workers: number
  readonly seed: number
  readonly assignment: Assignment
  /** The embedded broker, or a real one. */
  readonly broker: BrokerKind
  /** A folder, a bucket on a real server, or a real HDFS. */
  readonly lake: LakeKind
  /** `file.mode` of the streams; files grow on HDFS alone. */
  readonly fileMode: FileMode
  /** Where the sums are kept; undefined: nowhere. */
  readonly resumePath: string | undefined
  readonly record: boolean
}

const killsMax = 1_000_000
/** No more than topic-partitions: each worker is to have work. */
const workersMax = 8

/** @throws {Error} what is refused, for people. */
export function parseFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '30' },
      workers: { type: 'string', default: '1' },
      seed: { type: 'string', default: '20261121' },
      assignment: { type: 'string' },
      broker: { type: 'string', default: 'embedded' },
      lake: { type: 'string', default: 'file' },
      'file-mode': { type: 'string', default: 'new' },
      resume: { type: 'string' },
      record: { type: 'boolean', default: false },
    },
  })
  const workers = wholeNumber('workers', values.workers, { least: 1, most: workersMax })
  const { assignment = workers === 1 ? 'static' : 'group' } = values
  if (assignment !== 'static' && assignment !== 'group') {
    throw new Error(`--assignment is "${assignment}", accepted: static, group`)
  }
  const { broker, lake } = values
  if (broker !== 'embedded' && broker !== 'kafka-4') {
    throw new Error(`--broker is "${broker}", accepted: embedded, kafka-4`)
  }
  if (lake !== 'file' && lake !== 's3' && lake !== 'hdfs') {
    throw new Error(`--lake is "${lake}", accepted: file, s3, hdfs`)
  }
  const fileMode = fileModeOn(lake, values['file-mode'])
  return {
    broker,
    lake,
    fileMode,
    kills: wholeNumber('kills', values.kills, { least: 1, most: killsMax }),
    workers,
    seed: wholeNumber('seed', values.seed, { least: 0, most: 2 ** 32 - 1 }),
    assignment,
    resumePath: values.resume === undefined ? undefined : resolve(values.resume),
    record: values.record,
  }
}

function fileModeOn(lake: LakeKind, text: string): FileMode {
  if (text !== 'new' && text !== 'continue') {
    throw new Error(`--file-mode is "${text}", accepted: new, continue`)
  }
  if (text === 'continue' && lake !== 'hdfs') {
    throw new Error(`--file-mode continue needs --lake hdfs, given is --lake ${lake}`)
  }
  return text
}

function wholeNumber(flag: string, text: string, bound: { least: number; most: number }): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= bound.least && value <= bound.most) return value
  const accepted = `a whole number from ${bound.least} to ${bound.most}`
  throw new Error(`--${flag} is "${text}", accepted is ${accepted}`)
}

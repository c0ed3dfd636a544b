/** What is remembered of an instance, in its own folder: `service.json`. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OutsideTrouble } from './outside-trouble.ts'
import type { Ports } from './service-kind.ts'

export interface InstanceRecord {
  readonly service: string
  readonly version: string
  readonly ports: Ports
  /** Process id by process name; those that were stopped are left out. */
  readonly pids: Readonly<Record<string, number>>
  /** Process that the instance was started for, a test run: nobody else needs it. */
  readonly ownerPid?: number
}

const fileName = 'service.json'

/**
 * @returns undefined when nothing was ever started there.
 * @throws {OutsideTrouble} it is torn: a machine that lost its power, a disk that was full.
 */
export function readRecord(folder: string): InstanceRecord | undefined {
  const path = join(folder, fileName)
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as InstanceRecord
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new OutsideTrouble(`${path} cannot be read: ${why}; remove ${folder} to begin anew`)
  }
}

/** Replaces it whole: whoever reads sees the old one or the new one. */
export function writeRecord(folder: string, record: InstanceRecord): void {
  const partial = join(folder, `${fileName}.partial`)
  writeFileSync(partial, `${JSON.stringify(record, undefined, 2)}\n`)
  renameSync(partial, join(folder, fileName))
}

/** Names of all instances below a folder, sorted. */
export function instancesBelow(runRoot: string): readonly string[] {
  if (!existsSync(runRoot)) return []
  return readdirSync(runRoot)
    .filter((name) => existsSync(join(runRoot, name, fileName)))
    .sort()
}

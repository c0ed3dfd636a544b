/**
 * One process at a time decides about an instance: of two that start it at once, both would launch
 * its processes, and nobody would know those of one of them.
 *
 *     run/s3.lock        "4711": the process that starts or stops it
 *
 * A lock of a process that is gone is taken away by who meets it.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OutsideTrouble } from './outside-trouble.ts'
import { existsNow } from './service-processes.ts'

const lookEveryMs = 50
/** Longer than anybody takes who starts or stops processes; that they answer is not waited for. */
const waitMsMax = 120_000
let takenCount = 0

/**
 * Does `work` while nobody else, of this process or another, works at the instance.
 * @param folder of the instance; it need not be there.
 * @throws {OutsideTrouble} another process is at it for two minutes.
 */
export async function alone<T>(folder: string, work: () => Promise<T> | T): Promise<T> {
  const path = `${folder}.lock`
  mkdirSync(dirname(path), { recursive: true })
  await take(path)
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

async function take(path: string): Promise<void> {
  // Whole before it has its name: nobody reads a lock without its holder.
  const own = `${path}-${process.pid}-${++takenCount}`
  writeFileSync(own, `${process.pid}`)
  try {
    for (const endMs = performance.now() + waitMsMax; !isTaken(own, path); ) {
      if (performance.now() > endMs) {
        throw new OutsideTrouble(`process ${holderOf(path)} is at it for ${waitMsMax} ms: ${path}`)
      }
      await sleep(lookEveryMs)
    }
  } finally {
    rmSync(own)
  }
}

function isTaken(own: string, path: string): boolean {
  if (isLinked(own, path)) return true
  const holder = holderOf(path)
  if (holder === undefined || existsNow(holder)) return false
  // Aside first: another who met it may have taken it away, and somebody have a new one.
  const aside = `${own}-aside`
  try {
    renameSync(path, aside)
  } catch {
    return false
  }
  const found = holderOf(aside)
  if (found !== undefined && existsNow(found)) isLinked(aside, path)
  rmSync(aside)
  return false
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function holderOf(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * The broker's own files at the top of its folder: who holds the folder, and what outlives a start.
 *
 *     broker.json    cluster id, and how often a broker was started on this folder
 *     broker.lock    process id of the broker that holds the folder
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Fault } from '../../../base/fault.ts'
import { reasonOf, systemCodeOf } from '../storage-error.ts'
import { readJsonFile, replaceJsonFile } from './json-file.ts'

const brokerShape = z.strictObject({
  clusterId: z.string(),
  startCount: z.int().nonnegative(),
  nextProducerId: z.string(),
})

/** Folders held by this process: its own id in a lock file says nothing about itself. */
const heldHere = new Set<string>()
const producerIdsPerBlock = 1000n

export class BrokerFolder {
  readonly directory: string
  readonly clusterId: string
  readonly startCount: number
  #nextProducerId: bigint
  #reservedProducerId: bigint

  /** Takes the folder over and counts this start. */
  constructor(directory: string) {
    this.directory = holdFolder(directory)
    const known = readJsonFile(this.#path, brokerShape)
    // As Kafka makes cluster ids: 16 random bytes as base64 without padding.
    this.clusterId = known?.clusterId ?? randomBytes(16).toString('base64url')
    this.startCount = known === undefined ? 0 : known.startCount + 1
    this.#nextProducerId = BigInt(known?.nextProducerId ?? 1000)
    this.#reservedProducerId = this.#nextProducerId
    this.#save()
  }

  /** A producer id that this cluster never gave before, across restarts and kills. */
  takeProducerId(): bigint {
    if (this.#nextProducerId === this.#reservedProducerId) {
      this.#reservedProducerId += producerIdsPerBlock
      this.#save()
    }
    return this.#nextProducerId++
  }

  release(): void {
    rmSync(join(this.directory, 'broker.lock'), { force: true })
    heldHere.delete(this.directory)
  }

  get #path(): string {
    return join(this.directory, 'broker.json')
  }

  #save(): void {
    const { clusterId, startCount } = this
    replaceJsonFile(this.#path, {
      clusterId,
      startCount,
      nextProducerId: this.#reservedProducerId.toString(),
    })
  }
}

function holdFolder(wanted: string): string {
  try {
    mkdirSync(wanted, { recursive: true })
    const directory = realpathSync(wanted)
    const path = join(directory, 'broker.lock')
    const processId = heldHere.has(directory) ? process.pid : holderOf(path)
    if (processId !== undefined)
      throw new Fault('BROKER_DIRECTORY_IN_USE', { directory, processId })
    writeFileSync(path, `${process.pid}\n`)
    heldHere.add(directory)
    return directory
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const facts = { operation: 'open folder', path: wanted, reason: reasonOf(cause) }
    throw new Fault('BROKER_STORAGE_REFUSED', facts, { cause })
  }
}

/** @returns the living process that holds the lock; a killed broker leaves its lock behind. */
function holderOf(lockPath: string): number | undefined {
  try {
    const processId = Number(readFileSync(lockPath, 'utf8'))
    if (!Number.isInteger(processId) || processId < 1 || processId === process.pid) return undefined
    process.kill(processId, 0)
    return processId
  } catch (cause) {
    // EPERM: the process lives and belongs to somebody else.
    return systemCodeOf(cause) === 'EPERM' ? Number(readFileSync(lockPath, 'utf8')) : undefined
  }
}

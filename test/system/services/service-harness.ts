/**
 * Starts, judges, hurts and stops real services.
 *
 *     const harness = new ServiceHarness({ runRoot, cacheRoot, say })
 *     const kafka = await harness.up('kafka-4')
 *     await harness.kill('kafka-4')             // no time to say good-bye
 *     await harness.up('kafka-4')               // the same data, on the same ports
 *     await harness.down('kafka-4')
 *
 * Invariants:
 * - Nothing is signalled but what was started here: by id, and by the folder in its command line.
 * - Data stays until `wipe`.
 * - Who starts or stops an instance is alone at it, among all processes.
 * - `up` ends when the service answers as it answers a client.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheFolder } from './cache-folder.ts'
import { Misuse, serviceNamed } from './catalogue.ts'
import { artifactsFolder, fetchArtifacts } from './fetch-artifacts.ts'
import { freePorts, isFree } from './free-ports.ts'
import { alone } from './instance-lock.ts'
import { type InstanceRecord, instancesBelow, readRecord, writeRecord } from './instance-record.ts'
import { OutsideTrouble, type Say } from './outside-trouble.ts'
import type { Ports, ServiceKind, ServicePlan } from './service-kind.ts'
import {
  existsNow,
  isAlive,
  isGoneWithin,
  launch,
  logTail,
  runToEnd,
  type ServiceProcess,
  signal,
  untilStopped,
} from './service-processes.ts'
import { decideStart } from './start-decision.ts'

const readyWithinMs = 120_000
const lookEveryMs = 100
const stopWithinMs = 30_000
const goneWithinMs = 10_000
/** Log of what runs before the first start, beside those of the processes. */
const prepareLog = 'prepare'

export interface HarnessOptions {
  /** Each instance has a folder in it, by its name. */
  readonly runRoot: string
  readonly cacheRoot: string
  readonly say: Say
}

/** An instance that answers. */
export interface RunningService {
  readonly instance: string
  readonly service: string
  readonly version: string
  readonly ports: Ports
  /** What a client is configured with. */
  readonly address: string
  readonly pids: Readonly<Record<string, number>>
}

export interface InstanceStatus extends RunningService {
  readonly state: 'up' | 'down' | 'partly up'
}

/** How an instance is to be started. */
export interface UpOptions {
  /** Several instances of one service may run; by default it is named as the service. */
  readonly instance?: string
  /** Without this process nobody needs the instance: `sweep` removes it. */
  readonly ownerPid?: number
}

/** The places that the command line uses. */
export const userPlaces = (checkout: string): Omit<HarnessOptions, 'say'> => ({
  runRoot: join(checkout, '.services', 'run'),
  cacheRoot: cacheFolder(process.env, homedir()),
})

export class ServiceHarness {
  readonly #options: HarnessOptions

  constructor(options: HarnessOptions) {
    this.#options = options
  }

  /** @throws {Misuse} no such service. @throws {OutsideTrouble} it cannot be had. */
  fetch(service: string): Promise<string> {
    const { cacheRoot, say } = this.#options
    return fetchArtifacts(serviceNamed(service), cacheRoot, say)
  }

  /**
   * Starts what does not run yet, on the data that is there, and waits until it answers.
   * @throws {OutsideTrouble} it ended, or does not answer within two minutes; its log is told.
   */
  async up(service: string, options: UpOptions = {}): Promise<RunningService> {
    const kind = serviceNamed(service)
    const { instance = kind.name, ownerPid } = options
    const folder = this.#folder(instance)
    const artifacts = await this.fetch(service)
    const ports = await alone(folder, () => this.#launch(kind, instance, { artifacts, ownerPid }))
    await this.#waitUntilReady(kind, instance, ports)
    return this.#running(instance)
  }

  /** Starts what does not run. @returns the ports on which all of it will answer. */
  async #launch(
    kind: ServiceKind,
    instance: string,
    { artifacts, ownerPid }: { artifacts: string; ownerPid: number | undefined },
  ): Promise<Ports> {
    const folder = this.#folder(instance)
    mkdirSync(folder, { recursive: true })
    const ports = await this.#portsFor(kind, instance)
    const plan = kind.plan({ folder, artifactsFolder: artifacts, ports })
    const before = readRecord(folder)
    const alive = aliveOf(folder, before)
    if (alive.size < plan.processes.length) this.#prepare(plan, folder)
    const owner = ownerPid ?? before?.ownerPid
    const pids = new Map(alive)
    const remember = (): void =>
      writeRecord(folder, {
        service: kind.name,
        version: kind.version,
        ports,
        pids: Object.fromEntries(pids),
        ...(owner === undefined ? {} : { ownerPid: owner }),
      })
    for (const { name, command } of plan.processes) {
      if (pids.has(name)) continue
      refuseUnmarked(command, folder)
      pids.set(name, launch(command, logPathOf(folder, name)))
      remember()
    }
    return ports
  }

  /** Asks all its processes to end, at once, and ends those that do not. Data stays. */
  async down(instance: string): Promise<void> {
    const folder = this.#known(instance)
    await alone(folder, () => this.#down(instance, folder))
  }

  async #down(instance: string, folder: string): Promise<void> {
    const processes = this.#processes(folder)
    // A paused process takes its signal only when it goes on.
    for (const each of processes.values()) signal(each, 'SIGTERM')
    for (const each of processes.values()) signal(each, 'SIGCONT')
    for (const [name, each] of processes) {
      if (await isGoneWithin(each, stopWithinMs)) continue
      this.#options.say(`${instance}: ${name} did not end within ${stopWithinMs} ms: killed`)
      signal(each, 'SIGKILL')
      await isGoneWithin(each, goneWithinMs)
    }
    this.#forgetPids(folder)
  }

  /** SIGKILL: no time to write, to close, to leave. @param name of one process, or all. */
  async kill(instance: string, name?: string): Promise<void> {
    await alone(this.#known(instance), () => this.#kill(instance, name))
  }

  async #kill(instance: string, name?: string): Promise<void> {
    const folder = this.#known(instance)
    const processes = this.#chosen(instance, name)
    for (const each of processes) signal(each, 'SIGKILL')
    for (const each of processes) {
      if (await isGoneWithin(each, goneWithinMs)) continue
      throw new OutsideTrouble(`process ${each.pid} of "${instance}" outlives SIGKILL`)
    }
    if (name === undefined) this.#forgetPids(folder)
  }

  /** SIGSTOP, until it has its effect: connections stay open and nobody answers. */
  async pause(instance: string, name?: string): Promise<void> {
    const paused = this.#chosen(instance, name).filter((each) => signal(each, 'SIGSTOP'))
    for (const { pid } of paused) await untilStopped(pid)
  }

  resume(instance: string, name?: string): void {
    for (const each of this.#chosen(instance, name)) signal(each, 'SIGCONT')
  }

  /** Ends it and forgets its data and logs. */
  async wipe(instance: string): Promise<void> {
    const folder = this.#known(instance)
    await alone(folder, async () => {
      await this.#kill(instance)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    })
  }

  /** Wipes the instances of test runs that ended without doing so. */
  async sweep(): Promise<readonly string[]> {
    const left = instancesBelow(this.#options.runRoot).filter((instance) => {
      const owner = readRecord(this.#folder(instance))?.ownerPid
      return owner !== undefined && !existsNow(owner)
    })
    for (const instance of left) await this.#wipeLeft(instance)
    return left
  }

  /** Another run that sweeps may have been quicker. */
  async #wipeLeft(instance: string): Promise<void> {
    try {
      await this.wipe(instance)
    } catch (error) {
      if (!(error instanceof Misuse)) throw error
    }
  }

  /** All instances that were ever started and not wiped. */
  status(): readonly InstanceStatus[] {
    return instancesBelow(this.#options.runRoot).map((instance) => {
      const folder = this.#folder(instance)
      const running = this.#running(instance)
      const alive = aliveOf(folder, readRecord(folder)).size
      const wanted = this.#processNames(running).length
      const state = alive === 0 ? 'down' : alive < wanted ? 'partly up' : 'up'
      return { ...running, state }
    })
  }

  /** Path of each log, by process name; some may not be there. */
  logs(instance: string): ReadonlyMap<string, string> {
    const folder = this.#known(instance)
    const names = [prepareLog, ...this.#processNames(this.#running(instance))]
    return new Map(names.map((name) => [name, logPathOf(folder, name)]))
  }

  async #portsFor(kind: ServiceKind, instance: string): Promise<Ports> {
    const folder = this.#folder(instance)
    const record = readRecord(folder)
    const alive = new Set(aliveOf(folder, record).keys())
    const own = Object.entries(record?.ports ?? {}).filter(
      ([name]) => kind.foreignPortNames?.includes(name) !== true,
    )
    const looked = await Promise.all(own.map(([, port]) => isFree(port)))
    const arePortsFree = looked.every(Boolean)
    const decision = decideStart({ kind, record, alive, arePortsFree })
    switch (decision.kind) {
      case 'refuse':
        throw new Misuse(
          `"${instance}" is not started: ${decision.because}; ` +
            `npm run services -- down --wipe ${instance} removes it with its data`,
        )
      case 'start-on':
        return decision.ports
      case 'start-anew':
        return freePorts(kind.portNames)
    }
  }

  #prepare({ files, prepare }: ServicePlan, folder: string): void {
    for (const { path, text } of files) writeFileSync(path, text)
    for (const { command, makes } of prepare) {
      if (existsSync(makes)) continue
      try {
        runToEnd(command, logPathOf(folder, prepareLog))
      } catch (error) {
        throw new OutsideTrouble(error instanceof Error ? error.message : String(error))
      }
    }
  }

  async #waitUntilReady(kind: ServiceKind, instance: string, ports: Ports): Promise<void> {
    const folder = this.#folder(instance)
    const endMs = performance.now() + readyWithinMs
    for (let last = ''; ; ) {
      for (const [name, each] of this.#processes(folder)) {
        if (isAlive(each)) continue
        const said = logTail(logPathOf(folder, name))
        throw new OutsideTrouble(`${name} of "${instance}" ended while it started:\n${said}`)
      }
      try {
        if (await kind.isReady(ports)) return
      } catch (error) {
        last = error instanceof Error ? error.message : String(error)
      }
      if (performance.now() > endMs) {
        throw new OutsideTrouble(`"${instance}" is not ready after ${readyWithinMs} ms: ${last}`)
      }
      await sleep(lookEveryMs)
    }
  }

  #running(instance: string): RunningService {
    const folder = this.#known(instance)
    const record = readRecord(folder)
    if (record === undefined) throw new Misuse(`there is no instance "${instance}"`)
    const { service, version, ports } = record
    const address = serviceNamed(service).address(ports)
    const pids = Object.fromEntries(aliveOf(folder, record))
    return { instance, service, version, ports, address, pids }
  }

  #processNames({ service, instance, ports }: RunningService): readonly string[] {
    const kind = serviceNamed(service)
    const artifacts = artifactsFolder(kind, this.#options.cacheRoot)
    // An instance of before may lack a port that was named since; the names are the same.
    const all = { ...Object.fromEntries(kind.portNames.map((name) => [name, 0])), ...ports }
    const folder = this.#folder(instance)
    const plan = kind.plan({ folder, artifactsFolder: artifacts, ports: all })
    return plan.processes.map(({ name }) => name)
  }

  #processes(folder: string): ReadonlyMap<string, ServiceProcess> {
    const pids = Object.entries(readRecord(folder)?.pids ?? {})
    return new Map(pids.map(([name, pid]) => [name, { pid, mark: markOf(folder) }]))
  }

  #chosen(instance: string, name: string | undefined): readonly ServiceProcess[] {
    const processes = this.#processes(this.#known(instance))
    if (name === undefined) return [...processes.values()]
    const chosen = processes.get(name)
    if (chosen !== undefined) return [chosen]
    const accepted = [...processes.keys()].join(', ')
    throw new Misuse(`"${instance}" has no process "${name}"; accepted: ${accepted}`)
  }

  #forgetPids(folder: string): void {
    const record = readRecord(folder)
    if (record !== undefined) writeRecord(folder, { ...record, pids: {} })
  }

  #folder(instance: string): string {
    return join(this.#options.runRoot, instance)
  }

  /** @throws {Misuse} nothing of that name was ever started. */
  #known(instance: string): string {
    const all = instancesBelow(this.#options.runRoot)
    if (all.includes(instance)) return this.#folder(instance)
    const accepted = all.length === 0 ? 'none was started' : `accepted: ${all.join(', ')}`
    throw new Misuse(`there is no instance "${instance}"; ${accepted}`)
  }
}

const logPathOf = (folder: string, name: string): string => join(folder, `${name}.log`)
/** What a word of each of an instance's commands begins with. */
const markOf = (folder: string): string => folder + sep

function aliveOf(folder: string, record: InstanceRecord | undefined): ReadonlyMap<string, number> {
  const mark = markOf(folder)
  return new Map(Object.entries(record?.pids ?? {}).filter(([, pid]) => isAlive({ pid, mark })))
}

/** A process without the mark could never be stopped again. */
function refuseUnmarked(command: readonly string[], folder: string): void {
  if (command.some((word) => word.startsWith(markOf(folder)))) return
  throw new Error(`no word of "${command[0] ?? ''}" begins with ${markOf(folder)}`)
}

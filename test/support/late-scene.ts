/** A real daemon with an announced hour, and late rows that come for it. */
import { appendFile } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { writeNumbersConfig } from './numbers.ts'
import { hourMs, type NumbersBroker } from './numbers-broker.ts'
import { LakewardProcess, lakeward } from './processes.ts'

const startMs = Math.floor(Date.now() / hourMs) * hourMs - 24 * hourMs
/** The one that is announced. */
const hour = new Date(startMs).toISOString().slice(0, 13)

/** A daemon with one topic of one partition, whose first hour is announced with one row. */
export class LateScene {
  readonly config: string
  readonly #numbers: NumbersBroker
  readonly #topic: string
  #next = 0
  #daemon: LakewardProcess | undefined

  private constructor(numbers: NumbersBroker, topic: string, config: string) {
    this.#numbers = numbers
    this.#topic = topic
    this.config = config
  }

  static async open(numbers: NumbersBroker, topic: string, late: string): Promise<LateScene> {
    numbers.broker.createTopic(topic, 1)
    const place = numbers.place(topic)
    const options = { brokerPort: numbers.broker.port, topic, assignment: 'static' } as const
    const config = await writeNumbersConfig(place, options)
    await appendFile(config, `    late: ${late}\n`)
    const scene = new LateScene(numbers, topic, config)
    await scene.start()
    await scene.send(0)
    await scene.send(2)
    const waited = await scene.ask('ready wait', '--timeout', '120s')
    if (waited.code !== 0) throw new Error(`the hour is not announced: ${waited.stderr}`)
    return scene
  }

  /** Another daemon, where the one before was killed. */
  async start(): Promise<void> {
    const share = ['--worker-index', '0', '--worker-count', '1']
    const daemon = new LakewardProcess(['run', '-c', this.config, ...share])
    onTestFinished(() => daemon.kill())
    await daemon.line('"event":"started"')
    this.#daemon = daemon
  }

  /** SIGKILL. */
  async killDaemon(): Promise<void> {
    await this.#daemon?.kill()
  }

  /** One event, `hours` after the first hour's beginning. */
  async send(hours: number): Promise<void> {
    const at = { topic: this.#topic, partition: 0, atMs: startMs + hours * hourMs }
    await this.#numbers.send({ ...at, n: this.#next++ })
  }

  /** A command about the first hour, such as `ready show`, with what follows the hour. */
  ask(command: string, ...options: readonly string[]): ReturnType<typeof lakeward> {
    return lakeward([...command.split(' '), 'numbers', hour, ...options, '-c', this.config])
  }

  /** The newest one, unless a revision is asked for. */
  async manifest(revision?: number): Promise<ReadyManifest> {
    const asked = revision === undefined ? [] : ['--revision', String(revision)]
    const shown = await this.ask('ready show', ...asked, '--json')
    if (shown.code !== 0) throw new Error(`no manifest: ${shown.stderr}`)
    return JSON.parse(shown.stdout) as ReadyManifest
  }

  verifyAll(): ReturnType<typeof lakeward> {
    return lakeward(['verify', '--deep', '-c', this.config])
  }
}

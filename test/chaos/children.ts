/** The broker in a process of its own, and the promise that nothing outlives a chaos run. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrokerOptions } from '../../src/adapters/embedded/settings.ts'

const brokerPath = new URL('../support/broker-process.ts', import.meta.url).pathname
/** Node's own place for it: what is killed again and again starts from what it compiled once. */
const compileCache = join(tmpdir(), 'node-compile-cache')
const killers = new Set<() => void>()
process.on('exit', () => {
  for (const kill of killers) kill()
})

/** Ends a process at the latest when this one ends. @returns a way to forget it. */
export function killAtExit(kill: () => void): () => void {
  killers.add(kill)
  return () => killers.delete(kill)
}

export class BrokerProcess {
  readonly #directory: string
  #child: ChildProcess | undefined
  #port = 0

  constructor(directory: string) {
    this.#directory = directory
    killAtExit(() => this.#child?.kill('SIGKILL'))
  }

  get port(): number {
    return this.#port
  }

  /** On a free port at first, on the same one ever after. */
  async start(): Promise<void> {
    const options: BrokerOptions = { directory: this.#directory, port: this.#port }
    const command = [brokerPath, JSON.stringify(options)]
    const env = { ...process.env, NODE_COMPILE_CACHE: compileCache }
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'], env })
    this.#child = child
    const ended = once(child, 'exit').then(() => {
      throw new Error('the broker ended before it served')
    })
    const [line] = await Promise.race([once(child.stdout, 'data'), ended])
    this.#port = (JSON.parse(String(line)) as { port: number }).port
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
}

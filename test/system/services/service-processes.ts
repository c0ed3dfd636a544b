/**
 * Processes of services, known by id and by a word of their command line. An id alone may belong to
 * somebody else by now; such a process is never signalled.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const lookEveryMs = 50
/** Services yield to whoever works on the machine. */
const niceness = ['nice', '-n', '5']

export interface ServiceProcess {
  readonly pid: number
  /** What one word of its command line begins with. */
  readonly mark: string
}

/** Starts a process that outlives us; what it says is appended to a file. @returns its id. */
export function launch(command: readonly string[], logPath: string): number {
  const log = openSync(logPath, 'a')
  try {
    // `nice` becomes the command: the id is the command's.
    const [program = '', ...words] = [...niceness, ...command]
    const child = spawn(program, words, { detached: true, stdio: ['ignore', log, log] })
    child.unref()
    // Told below: without an id nothing began.
    child.on('error', () => undefined)
    if (child.pid === undefined) throw new Error(`"${program}" could not be started`)
    return child.pid
  } finally {
    closeSync(log)
  }
}

/** Runs a command to its end. @throws {Error} it ended with something else than 0. */
export function runToEnd(command: readonly string[], logPath: string): void {
  const log = openSync(logPath, 'a')
  try {
    const [program = '', ...words] = [...niceness, ...command]
    const { status, error } = spawnSync(program, words, { stdio: ['ignore', log, log] })
    if (status === 0) return
    const why = error?.message ?? `ended with ${String(status)}`
    throw new Error(`"${command[0] ?? ''}" ${why}; it said:\n${logTail(logPath)}`)
  } finally {
    closeSync(log)
  }
}

/** True when the process runs, or is paused, and is the one that was started. */
export function isAlive({ pid, mark }: ServiceProcess): boolean {
  return wordsOf(pid).some((word) => word.startsWith(mark))
}

/** @returns false when the process is gone already. */
export function signal(process_: ServiceProcess, name: NodeJS.Signals): boolean {
  if (!isAlive(process_)) return false
  try {
    process.kill(process_.pid, name)
    return true
  } catch {
    return false
  }
}

/** @returns false when it is still there after `boundMs`. */
export async function isGoneWithin(process_: ServiceProcess, boundMs: number): Promise<boolean> {
  for (const endMs = performance.now() + boundMs; isAlive(process_); ) {
    if (performance.now() > endMs) return false
    await sleep(lookEveryMs)
  }
  return true
}

/**
 * Waits until a process that was sent SIGSTOP stands. Its threads stop one by one, some moments
 * after the signal was sent, and those in a system call when that ends: until then it may answer.
 *
 * @throws {Error} after `boundMs` it goes on, or has ended.
 */
export async function untilStopped(pid: number, boundMs = 10_000): Promise<void> {
  for (const endMs = performance.now() + boundMs; !isStopped(pid); ) {
    if (performance.now() > endMs) {
      throw new Error(`process ${pid} is not stopped after ${boundMs} ms`)
    }
    await sleep(1)
  }
}

/** Source: proc(5), `task` and `stat`; ps(1) where there is no /proc. */
function isStopped(pid: number): boolean {
  if (!existsSync('/proc/self/task')) {
    const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' })
    return stdout.trim().startsWith('T')
  }
  const states = threadsOf(pid).map((thread) => stateOf(`/proc/${pid}/task/${thread}/stat`))
  // A thread that has ended since it was listed does nothing any more.
  const isAnyLeft = states.some((state) => state === 'T')
  return isAnyLeft && states.every((state) => state === 'T' || state === '')
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** "pid (name) state …": the name may hold anything. Empty when there is no such process. */
function stateOf(path: string): string {
  const stat = textOf(path)
  return stat.charAt(stat.lastIndexOf(')') + 2)
}

/** True when a process has this id, whoever it is. */
export function existsNow(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const tailBytes = 4_000

export function logTail(path: string): string {
  if (!existsSync(path)) return '(nothing)'
  return readFileSync(path, 'utf8').slice(-tailBytes).trimEnd() || '(nothing)'
}

/**
 * Words of a process's command line; empty when there is none, or when it ended and waits for its
 * parent to look. A process that is becoming another program has none for a moment: that moment is
 * waited for, or a service that starts would be taken for one that ended.
 *
 * Source: proc(5), `cmdline` and `stat`; ps(1) where there is no /proc.
 */
function wordsOf(pid: number): readonly string[] {
  if (!existsSync('/proc/self/cmdline')) {
    const { stdout } = spawnSync('ps', ['-ww', '-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' })
    return stdout.trim().split(' ')
  }
  for (let tries = 0; tries < becomingTriesMax; tries++) {
    const text = textOf(`/proc/${pid}/cmdline`)
    if (text !== '') return text.split('\0')
    // Z and X have ended.
    if (!/^[^ZXx]$/.test(stateOf(`/proc/${pid}/stat`))) return []
    Atomics.wait(never, 0, 0, becomingEveryMs)
  }
  return []
}

const becomingEveryMs = 1
const becomingTriesMax = 1_000
/** Nobody wakes who waits for it: a pause without an event loop. */
const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** Empty where there is no such file (any more). */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

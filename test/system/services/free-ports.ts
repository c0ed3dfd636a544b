/**
 * Ports that nobody listens on, below those that the system hands out by itself (Linux from 32,768,
 * macOS and Windows from 49,152): no outgoing connection and no test with port 0 takes one between
 * the look and the start, or while a service is down for a restart.
 *
 * Nor is one given to two: a process hands out none twice, and workers of vitest, which look at the
 * same time, look in ranges of their own.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const systemLeaves: PortRange = { first: 20_000, next: 32_000 }
const rangeCount = 8
const triesMax = 200

/** What this process handed out: who got one may listen on it later. */
const handedOut = new Set<number>()

interface PortRange {
  readonly first: number
  /** Exclusive. */
  readonly next: number
}

/** @param worker of vitest, from 1; 0 where there is none. */
export function rangeOf(worker: number): PortRange {
  const portCount = Math.floor((systemLeaves.next - systemLeaves.first) / rangeCount)
  const first = systemLeaves.first + (worker % rangeCount) * portCount
  return { first, next: first + portCount }
}

const ownRange = (): PortRange => rangeOf(Number(process.env['VITEST_POOL_ID'] ?? 0))

/** True when a server can listen there now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    const listening = once(server, 'listening')
    server.listen(port, '127.0.0.1')
    await listening
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** @throws {Error} hardly any port is free. */
export async function freePorts(
  names: readonly string[],
  { first, next }: PortRange = ownRange(),
): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (let tries = 0; Object.keys(ports).length < names.length; tries++) {
    if (tries === triesMax) throw new Error(`no free ports after ${triesMax} tries`)
    const port = randomInt(first, next)
    const name = names[Object.keys(ports).length]
    if (name === undefined || handedOut.has(port)) continue
    // Before it is looked at: somebody else in this process may look meanwhile.
    handedOut.add(port)
    if (!(await isFree(port))) continue
    ports[name] = port
  }
  return ports
}

export async function freePort(): Promise<number> {
  const { one = 0 } = await freePorts(['one'])
  return one
}

/**
 * Ports that nobody listens on, below those that the system hands out by itself (Linux from 32,768,
 * macOS and Windows from 49,152): no outgoing connection and no test with port 0 takes one between
 * the look and the start, or while a service is down for a restart.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const systemLeaves: PortRange = { first: 20_000, next: 32_000 }
const triesMax = 200

interface PortRange {
  readonly first: number
  /** Exclusive. */
  readonly next: number
}

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
  { first, next }: PortRange = systemLeaves,
): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  const taken = new Set<number>()
  for (let tries = 0; Object.keys(ports).length < names.length; tries++) {
    if (tries === triesMax) throw new Error(`no free ports after ${triesMax} tries`)
    const port = randomInt(first, next)
    const name = names[Object.keys(ports).length]
    if (name === undefined || taken.has(port) || !(await isFree(port))) continue
    taken.add(port)
    ports[name] = port
  }
  return ports
}

export async function freePort(): Promise<number> {
  const { one = 0 } = await freePorts(['one'])
  return one
}

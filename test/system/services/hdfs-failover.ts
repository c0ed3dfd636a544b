/**
 * Makes a namenode of a pair the active one, whenever none is that answers.
 *
 *     node hdfs-failover.ts namenode=20607 namenode-2=20608 -- java … DFSHAAdmin
 *
 * - One that does not answer may be active still: another takes its place only when nobody listens
 *   on its port any more. So nothing needs to be fenced.
 */
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const lookEveryMs = 500
const lookWithinMs = 2_000

export type NodeState = 'active' | 'standby' | 'gone' | 'silent'

/**
 * Which one to make active; undefined for none.
 *
 * @param states by the name of the namenode.
 */
export function nextActive(states: ReadonlyMap<string, NodeState>): string | undefined {
  const all = [...states.values()]
  if (all.includes('active') || all.includes('silent')) return undefined
  return [...states].find(([, state]) => state === 'standby')?.[0]
}

async function stateOf(port: string): Promise<NodeState> {
  const query = 'qry=Hadoop:service=NameNode,name=NameNodeStatus'
  try {
    const signal = AbortSignal.timeout(lookWithinMs)
    const answer = await fetch(`http://127.0.0.1:${port}/jmx?${query}`, { signal })
    const state = /"State"\s*:\s*"(active|standby)"/.exec(await answer.text())?.[1]
    return state === 'active' || state === 'standby' ? state : 'silent'
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined
    const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined
    return code === 'ECONNREFUSED' ? 'gone' : 'silent'
  }
}

async function run(words: readonly string[]): Promise<never> {
  const cut = words.indexOf('--')
  const nodes = words.slice(0, cut).map((word) => word.split('='))
  const [command = '', ...args] = words.slice(cut + 1)
  for (;;) {
    const states = new Map<string, NodeState>()
    for (const [node = '', port = ''] of nodes) states.set(node, await stateOf(port))
    const next = nextActive(states)
    if (next !== undefined) {
      process.stderr.write(`${next} becomes the active one\n`)
      const done = spawnSync(command, [...args, '-transitionToActive', '--forceactive', next], {
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      process.stderr.write(`it ended with ${done.status}\n`)
    }
    await sleep(lookEveryMs)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run(process.argv.slice(2))
}

/** Where a figure was measured: a number without its machine is worth nothing. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cpuCount: number
  readonly memoryGib: number
  readonly node: string
}

export function thisMachine(): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown CPU',
    cpuCount: all.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  }
}

export const machineText = ({ cpu, cpuCount, memoryGib, node }: Machine): string =>
  `${cpuCount} × ${cpu}, ${memoryGib} GiB, Node ${node}`

/** Processes that wanted to run in the last minute, on average: ours and those of others. */
export const loadText = (): string => (loadavg()[0] ?? Number.NaN).toFixed(1)

/** The commit that is measured; "+" behind it when the tree holds changes. */
export function commitText(): string {
  const git = (...words: string[]): string =>
    execFileSync('git', words, { encoding: 'utf8', cwd: import.meta.dirname }).trim()
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/src', ':/kernel')
  return git('rev-parse', '--short', 'HEAD') + (changed === '' ? '' : '+')
}

/**
 * Words before a command, so that it yields to others and stays on one CPU where that can be had.
 */
export interface Placement {
  readonly words: readonly string[]
  readonly text: string
}

/** @param cpu index of the CPU to stay on. */
export function placementOn(cpu: number): Placement {
  const pinned = cpus().length > cpu && spawnSync('taskset', ['-c', `${cpu}`, 'true']).status === 0
  const niced = ['nice', '-n', '5']
  if (!pinned) return { words: niced, text: 'nice 5, not pinned' }
  return { words: ['taskset', '-c', `${cpu}`, ...niced], text: `nice 5, pinned to CPU ${cpu}` }
}

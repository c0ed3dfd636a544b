/**
 * What the kernel says of a process, all its threads together.
 *
 * Source: proc(5): `stat` fields 14 and 15 (utime, stime) in ticks; `status` VmHWM and VmRSS.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** User and system time since the process began. */
export const cpuSecondsOf = (pid: number): number => secondsIn(`/proc/${pid}/stat`)

/** The same of its first thread alone, the one that runs the event loop. */
export const mainCpuSecondsOf = (pid: number): number => secondsIn(`/proc/${pid}/task/${pid}/stat`)

function secondsIn(path: string): number {
  const stat = readFileSync(path, 'utf8')
  // The name of the program, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Highest resident memory so far. */
export const peakRssBytesOf = (pid: number): number => statusBytes(pid, 'VmHWM')

/** Resident memory at this moment. */
export const rssBytesOf = (pid: number): number => statusBytes(pid, 'VmRSS')

function statusBytes(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${name}`)
  return Number(kilobytes) * 1_024
}

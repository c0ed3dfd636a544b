/** Ends a daemon once it has read its topic to the end: what was read is committed then. */
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSecondsOf } from '../measure/process-figures.ts'
import type { MeasuredProcess } from '../measure/run-process.ts'

const lookMs = 250
/** A daemon that was paused and not done is looked at less and less often. */
const lookMsMax = 4_000
/** Of the time between two looks; whoever uses more still reads. */
const idleShare = 0.3

/**
 * Nobody waits for the next commit of the interval, and none of the run's figures depends on where
 * in the interval it ended. The daemon is asked for its lag only when it is idle: an answer costs
 * it CPU time that is counted.
 */
export function endOnceRead(daemon: MeasuredProcess, partitionCount: number): void {
  const listening = daemon.firstOf('stderr', addressIn)
  void listening.then((address) => endWhenRead(daemon, address, partitionCount)).catch(() => {})
}

async function endWhenRead(
  daemon: MeasuredProcess,
  address: string,
  partitionCount: number,
): Promise<void> {
  let waitMs = lookMs
  for (let before = cpuSecondsOf(daemon.pid); ; ) {
    await sleep(waitMs)
    const now = cpuSecondsOf(daemon.pid)
    const isIdle = (now - before) * 1_000 < waitMs * idleShare
    before = now
    if (isIdle && (await hasReadAll(address, partitionCount))) return daemon.askToEnd()
    waitMs = isIdle ? Math.min(2 * waitMs, lookMsMax) : lookMs
  }
}

async function hasReadAll(address: string, partitionCount: number): Promise<boolean> {
  const metrics = await (await fetch(`${address}/metrics`)).text()
  const lags = [...metrics.matchAll(/^lakeward_lag_records\{.*\} (\d+)$/gm)].map(([, lag]) => lag)
  return lags.length === partitionCount && lags.every((lag) => lag === '0')
}

function addressIn(line: string): string | undefined {
  if (!line.includes('"event":"listening"')) return undefined
  return (JSON.parse(line) as { address: string }).address
}

/**
 * Loaded into a daemon before it begins: how long each turn of its event loop computes.
 *
 *     node --import ./slice-probe.ts lakeward.js run …    {"slice":{"cpuMs":61,"atMs":1763800000000}}
 *
 * A turn is looked at from one `setImmediate` to the next: what runs between them without a pause
 * is no longer than that. CPU time, not time: others may have the core. Turns of half of what is
 * allowed are told on stdout, which is otherwise empty.
 */
import { threadCpuUsage } from 'node:process'

const toldFromMs = 25

let before = threadCpuUsage()
function look(): void {
  const now = threadCpuUsage()
  const cpuMs = (now.user + now.system - before.user - before.system) / 1_000
  before = now
  if (cpuMs >= toldFromMs) {
    console.log(JSON.stringify({ slice: { cpuMs, atMs: Date.now() } }))
  }
  setImmediate(look).unref()
}
setImmediate(look).unref()

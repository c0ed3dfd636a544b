/** The Java consumer by the broker's own tool, whose CPU time the shell tells at its end. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { serviceNamed } from '../../test/system/services/catalogue.ts'
import { artifactsFolder } from '../../test/system/services/fetch-artifacts.ts'
import { userPlaces } from '../../test/system/services/service-harness.ts'
import type { Placement } from '../measure/machine.ts'

const tool = 'org.apache.kafka.tools.ConsumerPerformance'
const checkout = join(import.meta.dirname, '..', '..')

/** @returns CPU seconds of a whole run over the first `records` of a topic, the JVM's start too. */
export function runJava(
  broker: string,
  place: { readonly port: number; readonly topic: string; readonly records: number },
  placement: Placement,
): number {
  const { port, topic, records } = place
  const jars = join(artifactsFolder(serviceNamed(broker), userPlaces(checkout).cacheRoot), '*')
  const words = ['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic]
  const group = `bench-java-${process.pid}-${Date.now()}`
  const all = [...words, '--num-records', `${records}`, '--group', group, '--timeout', '60000']
  const java = [...placement.words, 'java', '-Xmx512m', '-cp', jars, tool, ...all]
  // `times` prints two lines: of the shell, and of what it has waited for.
  const shell = spawnSync('bash', ['-c', '"$@" >&2; times', 'bash', ...java], { encoding: 'utf8' })
  const last = shell.stdout.trim().split('\n').at(-1) ?? ''
  const seconds = [...last.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, rest]) => {
    return Number(minutes) * 60 + Number(rest)
  })
  if (shell.status === 0 && seconds.length === 2) return seconds.reduce((a, b) => a + b, 0)
  throw new Error(`${tool} failed:\n${shell.stderr.slice(-2_000)}`)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { KafkaWorld } from '../support/kafka-world.ts'
import { RecordingReader } from '../support/recording-reader.ts'

const script = new URL('../support/source-member.ts', import.meta.url).pathname
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Starts a member in its own process. @returns its lines as they come. */
function member(port: number): { readonly child: ChildProcess; readonly lines: string[] } {
  const child = spawn(process.execPath, [script, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  return { child, lines }
}

test('a member stopped past its session finds out when it resumes, and joins again', async () => {
  const world = await KafkaWorld.open()
  world.broker.createTopic('t', 2)
  const { child, lines } = member(world.broker.port)
  const said = (line: string) => () => lines.includes(line) || undefined
  await eventually('the share', 60_000, said('assigned t/0 t/1'))
  child.kill('SIGSTOP')
  const reader = new RecordingReader()
  const source = world.source(['t'], { sessionTimeoutMs: 1_000 })
  await source.open(reader)
  try {
    const all = () => reader.assigned.length === 2 || undefined
    await eventually('the other member has all', 60_000, all)
    expect(lines).toEqual(['assigned t/0 t/1'])
    child.kill('SIGCONT')
    await eventually('the loss', 60_000, said('lost t/0 t/1'))
    const half = () => reader.assigned.length === 1 || undefined
    await eventually('a share for both', 60_000, half)
    const again = () =>
      lines.slice(lines.indexOf('lost t/0 t/1')).find((line) => line.startsWith('assigned'))
    await eventually('the new share', 60_000, again)
  } finally {
    await source.close()
    await world.close()
  }
})

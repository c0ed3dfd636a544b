import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SystemClock } from '../../../../src/adapters/local/system-clock.ts'
import {
  CommandHook,
  type CommandHookOptions,
} from '../../../../src/adapters/process/command-hook.ts'
import { Secret } from '../../../../src/base/secret.ts'
import { type DurationMs, durationMs } from '../../../../src/base/time.ts'
import { encodeManifest } from '../../../../src/protocol/readiness-manifest.ts'
import { eventually } from '../../../support/eventually.ts'
import { sampleManifest } from '../../../support/log-samples.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const manifest = { ...sampleManifest(13), logEntry: 7 }
const { signal } = new AbortController()
const generous = durationMs(60_000)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder[Symbol.asyncDispose]())

const inFolder = (name: string): string => join(folder.path, name)
const textOf = (name: string): string => readFileSync(inFolder(name), 'utf8')
/** The number in a file, once it is whole. */
const pidIn = (name: string): Promise<number> =>
  eventually(`"${name}" is written`, 30_000, () => {
    try {
      return Number(/^(\d+)\n/.exec(textOf(name))?.[1] ?? Number.NaN) || undefined
    } catch {
      return undefined
    }
  })

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // One that nobody has waited for yet is dead all the same.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
const ends = (pid: number): Promise<true> =>
  eventually(`${pid} ends`, 30_000, () => (isAlive(pid) ? undefined : true))

class HurriedClock extends SystemClock {
  /** What is waited for from here on is over at once. */
  isHurried = false

  override sleep(span: DurationMs, over?: AbortSignal): Promise<void> {
    return super.sleep(this.isHurried ? durationMs(1) : span, over)
  }
}

const hook = (script: string, more: Partial<CommandHookOptions> = {}): CommandHook =>
  new CommandHook({
    target: 'command:it',
    argv: ['/bin/sh', '-c', script],
    folder: folder.path,
    environment: [],
    timeoutMs: generous,
    atOnceMax: 4,
    clock: new SystemClock(),
    ...more,
  })

describe('a command', () => {
  test('gets the manifest, its variables, and nothing of our environment', async () => {
    process.env['LAKEWARD_TEST_SECRET'] = 'ours'
    const environment = [['TOKEN', 't0ken']] as const
    await hook('cat > stdin; env > env; pwd > pwd', { environment }).deliver(manifest, signal)
    delete process.env['LAKEWARD_TEST_SECRET']
    expect(textOf('stdin')).toBe(new TextDecoder().decode(encodeManifest(manifest)))
    expect(textOf('pwd').trim()).toBe(folder.path)
    const variables = new Map(
      textOf('env')
        .trim()
        .split('\n')
        .map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)] as const),
    )
    // What a shell sets by itself is not ours.
    for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) variables.delete(name)
    expect(Object.fromEntries(variables)).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      TOKEN: 't0ken',
      LAKEWARD_ID: manifest.id,
      LAKEWARD_PIPELINE: 'growth',
      LAKEWARD_STREAM: 'app_events',
      LAKEWARD_TABLE: manifest.table,
      LAKEWARD_PARTITION: 'dt=2026-11-20/hour=13',
      LAKEWARD_LOCATION: manifest.location,
      LAKEWARD_REVISION: '1',
      LAKEWARD_REASON: 'complete',
      LAKEWARD_ROWS: '10',
    })
  })

  test('has its words as they are: no shell reads them', async () => {
    const script = 'require("fs").writeFileSync("words", JSON.stringify(process.argv.slice(1)))'
    const words = ['$HOME', '`id`', 'a b', '', '*']
    const argv = [process.execPath, '-e', script, '--', ...words] as const
    await hook('', { argv }).deliver(manifest, signal)
    expect(JSON.parse(textOf('words'))).toEqual(words)
  })

  test('need not read what it is given, however long that is', async () => {
    const long = { ...manifest, added: Array.from({ length: 20_000 }, () => 'x'.repeat(100)) }
    await hook('exit 0').deliver(long, signal)
  })

  test.each([
    ['echo went wrong >&2; exit 3', /ended with 3 "went wrong"$/],
    ['exit 1', /ended with 1$/],
    ['kill -9 $$', /was ended by SIGKILL$/],
    ['head -c 100000 /dev/zero | tr "\\0" x; exit 2', /ended with 2 "x{300}…"$/],
  ])('that does not end with 0 has not delivered: %s', async (script, told) => {
    const delivery = hook(script).deliver(manifest, signal)
    await expect(delivery).rejects.toMatchObject({
      code: 'NOTIFY_FAILED',
      retry: 'backoff',
      message: expect.stringMatching(told),
    })
  })

  test('that prints its variables when it fails tells no secret', async () => {
    const environment = [
      ['TOKEN', new Secret('hunter2')],
      ['PLAIN', 'shown'],
    ] as const
    const delivery = hook('echo "$TOKEN $PLAIN" >&2; exit 3', { environment })
    await expect(delivery.deliver(manifest, signal)).rejects.toThrow(/ended with 3 "\*\*\* shown"$/)
  })

  test.each([
    [['/nowhere/tell'] as const, /cannot be started: .*ENOENT/],
    [['nowhere-at-all'] as const, /cannot be started: .*ENOENT/],
    [['/'] as const, /cannot be started: .*EACCES/],
  ])('that cannot be started is told: %j', async (argv, told) => {
    await expect(hook('', { argv }).deliver(manifest, signal)).rejects.toThrow(told)
    await hook('exit 0').deliver(manifest, signal)
  })

  test('that takes too long is ended with all that it began', async () => {
    const script = 'sleep 1000 & echo $! > child; echo $$ > own; wait'
    const delivery = hook(script, { timeoutMs: durationMs(700) }).deliver(manifest, signal)
    await expect(delivery).rejects.toThrow('took longer than 700 ms')
    for (const name of ['child', 'own']) await ends(await pidIn(name))
  })

  test('that does not heed the request to end is killed', async () => {
    const script = 'trap "" TERM; echo $$ > own; while :; do sleep 0.1; done'
    const giving = new AbortController()
    const delivery = hook(script).deliver(manifest, giving.signal)
    const told = expect(delivery).rejects.toThrow('no end in time')
    const own = await pidIn('own')
    giving.abort()
    await told
    expect(isAlive(own)).toBe(false)
  })

  test('that leaves somebody behind has delivered, and that one ends', async () => {
    await hook('sleep 1000 & echo $! > child; exit 0').deliver(manifest, signal)
    await ends(await pidIn('child'))
  })

  test('whose child has left its group is waited for no longer than itself', async () => {
    const script = 'setsid sleep 1000 & echo $! > child; echo why >&2; exit 4'
    const delivery = hook(script).deliver(manifest, signal)
    await expect(delivery).rejects.toThrow('ended with 4 "why"')
    process.kill(await pidIn('child'), 'SIGKILL')
  })

  test('that prints without end is read without end, and ended', async () => {
    const delivery = hook('cat /dev/zero', { timeoutMs: durationMs(500) }).deliver(manifest, signal)
    await expect(delivery).rejects.toThrow('took longer than 500 ms')
  })

  test('is not begun once it was given up, and not left when its target is closed', async () => {
    await expect(hook('touch begun').deliver(manifest, AbortSignal.abort())).rejects.toThrow(
      'no end in time',
    )
    expect(() => textOf('begun')).toThrow('ENOENT')
    const target = hook('echo $$ > own; sleep 1000')
    const delivery = expect(target.deliver(manifest, signal)).rejects.toThrow('SIGKILL')
    const own = await pidIn('own')
    await target.close()
    await delivery
    expect(isAlive(own)).toBe(false)
    writeFileSync(inFolder('again'), '')
    await hook('cat again').deliver(manifest, signal)
  })

  test('that does not even end when it is killed keeps neither its target nor us', async () => {
    const clock = new HurriedClock()
    const target = hook('echo $$ > own; exec sleep 1000', { clock })
    const delivery = target.deliver(manifest, signal)
    const own = await pidIn('own')
    const waitedFor = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length
    const before = waitedFor()
    clock.isHurried = true
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    await target.close()
    kill.mockRestore()
    expect(isAlive(own)).toBe(true)
    expect(waitedFor()).toBe(before - 1)
    process.kill(-own, 'SIGKILL')
    await expect(delivery).rejects.toThrow('SIGKILL')
  })
})

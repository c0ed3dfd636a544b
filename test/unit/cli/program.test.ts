import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { commandTable } from '../../../src/cli/command-table.ts'
import { entryOf, runCommandLine } from '../../../src/cli/program.ts'
import { MemoryConfigFiles } from '../daemon/memory-config-files.ts'

interface Ran {
  readonly exit: number
  readonly out: string
  readonly error: string
}

const goodTexts = {
  'lakeward.yaml': `pipeline: growth
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { url: "file:./lake" }
streams:
  - name: app_events
    topic: growth.events
    schema: { file: a.proto, message: AppEvent }
`,
  'a.proto': 'syntax = "proto3"; message AppEvent { string user_id = 1; repeated int64 ids = 2; }',
}

/** Runs a command line on files held in memory. */
async function run(
  line: string,
  {
    texts = goodTexts,
    isColoured = false,
  }: Partial<{ texts: Record<string, string>; isColoured: boolean }> = {},
): Promise<Ran> {
  let out = ''
  let error = ''
  const exit = await runCommandLine(
    line.split(' ').filter((word) => word !== ''),
    {
      terminal: {
        writeOut: (text) => void (out += text),
        writeError: (text) => void (error += text),
        isColoured,
        isInteractive: false,
      },
      files: new MemoryConfigFiles(texts),
      stopSignal: () => new AbortController().signal,
      version: '1.2.3',
    },
  )
  return { exit, out, error }
}

describe('the table of commands', () => {
  test('has every command of the contract', () => {
    const firsts = new Set(commandTable.map(({ words }) => words.split(' ')[0]))
    const contract =
      'demo run check status why ready source files log plan verify dlq stream schema backfill merge cdc capture audit gc'
    for (const word of contract.split(' ')) expect(firsts).toContain(word)
  })

  const built = commandTable.filter(({ load }) => load !== undefined)
  const unbuilt = commandTable.filter(({ load }) => load === undefined)

  test.each(built)('$words has help with an example that calls it', async ({ words }) => {
    const { exit, out } = await run(`${words} --help`)
    expect(exit).toBe(0)
    expect(out).toMatch(new RegExp(`\\nExample:\\n  .*lakeward ${words}\\b`))
    expect(out).toContain('--json')
  })

  test('some commands are built', () => {
    expect(built.map(({ words }) => words)).toEqual(expect.arrayContaining(['check', 'completion']))
  })

  test.for(unbuilt)('$words is refused by name, whatever follows', async ({ words }) => {
    const { exit, out, error } = await run(`${words} app_events --why x -c y`)
    expect(exit).toBe(2)
    expect(out).toBe('')
    expect(error).toContain(`lakeward ${words}: not supported by this version\n`)
  })

  test('is found by the words of a command line, with options among them', () => {
    expect(entryOf(['--json', 'check', '-c', 'x'])?.words).toBe('check')
    expect(entryOf(['ready', '--json', 'ls', 'app_events'])?.words).toBe('ready ls')
    expect(entryOf(['help', 'ready', 'ls'])?.words).toBe('ready ls')
    expect(entryOf(['nothing'])).toBeUndefined()
    expect(entryOf([])).toBeUndefined()
  })
})

describe('usage', () => {
  test('no command at all shows the help on standard error and is exit 2', async () => {
    const { exit, out, error } = await run('')
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(error).toMatch(/^Usage: lakeward/)
    expect(error).not.toContain('error:')
  })

  test.each([
    ['chek', "unknown command 'chek'"],
    ['check --confg x', "unknown option '--confg'"],
    ['check -c', "option '-c, --config <file>' argument missing"],
    ['check too many', 'too many arguments'],
    ['completion', "missing required argument 'shell'"],
    ['ready nothing', "unknown command 'nothing'"],
  ])('"%s" is exit 2 and says: %s', async (line, message) => {
    const { exit, out, error } = await run(line)
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(error).toContain(`error: ${message}`)
    expect(error).toMatch(/\nhint: Run "lakeward --help"/)
  })

  test('the version is an answer', async () => {
    expect(await run('--version')).toEqual({ exit: 0, out: '1.2.3\n', error: '' })
  })
})

describe('check', () => {
  test('prints the plan of each stream: topic, message, columns, table, partitions', async () => {
    const { exit, out, error } = await run('check')
    expect({ exit, error }).toEqual({ exit: 0, error: '' })
    expect(out).toMatch(/^ok lakeward.yaml: pipeline growth\n/)
    expect(out).toMatch(/\nstream app_events\n {2}topics +growth.events \(raw-event\)\n/)
    expect(out).toMatch(/ {2}message +AppEvent, version 1, checksum [0-9a-f]{16}\n/)
    expect(out).toMatch(
      / {2}table +app_events by hour in UTC: app_events\/dt=2026-11-20\/hour=13\n/,
    )
    expect(out).toMatch(/ {2}files +new ones with each commit\n/)
    expect(out).toMatch(/ {2}columns +user_id string\n +ids list<int64>\n/)
  })

  test('answers machines with one JSON object', async () => {
    const { exit, out } = await run('check --json')
    expect(exit).toBe(0)
    expect(out.trimEnd()).not.toContain('\n')
    const answer: unknown = JSON.parse(out)
    expect(answer).toMatchObject({
      ok: true,
      pipeline: 'growth',
      streams: [
        {
          name: 'app_events',
          table: 'app_events',
          columns: [
            { name: 'user_id', type: 'string' },
            { name: 'ids', type: 'list<int64>' },
          ],
        },
      ],
    })
  })

  const wrong = {
    'lakeward.yaml': 'pipeline: growth\ncommit: { interval: 60 }\nlake: { url: "s3://b" }\n',
  }

  test('prints each problem on a line of its own, then the hint, and is exit 2', async () => {
    const { exit, out, error } = await run('check', { texts: wrong })
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    const lines = error.trimEnd().split('\n')
    expect(lines[0]).toBe('error: configuration "lakeward.yaml" is refused')
    expect(lines.slice(1, -1).map((line) => line.split(':')[0])).toEqual([
      '  kafka',
      '  lake.url',
      '  commit.interval',
    ])
    expect(lines.at(-1)).toMatch(/^hint: Each problem names/)
  })

  test('gives machines the problems as a list, on standard output', async () => {
    const { exit, out, error } = await run('check --json', { texts: wrong })
    expect({ exit, error }).toEqual({ exit: 2, error: '' })
    expect(JSON.parse(out)).toMatchObject({
      error: {
        code: 'CONFIG_REFUSED',
        details: [expect.stringMatching(/^kafka: missing/), {}, {}],
      },
    })
  })

  test('a configuration that is not there is exit 2', async () => {
    const { exit, error } = await run('check -c none.yaml')
    expect(exit).toBe(2)
    expect(error).toMatch(/^error: could not read "none.yaml": there is no such file\nhint: /)
  })

  test('colours only where they are seen, and never in JSON', async () => {
    const escape = '\u001b['
    expect((await run('check', { isColoured: true })).out).toContain(`${escape}32mok${escape}0m`)
    expect((await run('check --json', { isColoured: true })).out).not.toContain(escape)
    expect((await run('check')).out).not.toContain(escape)
  })
})

test('COMMAND_REFUSED is a fault of the user', () => {
  const fault = new Fault('COMMAND_REFUSED', { command: 'gc', reason: 'no' })
  expect(fault).toMatchObject({ domain: 'user', retry: 'never', message: 'lakeward gc: no' })
})

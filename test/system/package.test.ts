/** The package as a stranger gets it: packed, installed into an empty folder, run from there. */
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const checkout = resolve(import.meta.dirname, '..', '..')
const compiler = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc')
const lines = (text: string): readonly string[] => text.trimEnd().split('\n')

describe('the package', { timeout: 240_000 }, () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lakeward-package-'))
    const packs = join(folder, 'packs')
    await mkdir(packs)
    // "prepack" builds first.
    expectWell(run('npm', ['pack', '--pack-destination', packs], checkout))
    const [tarball = ''] = await readdir(packs)
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    const flags = ['--omit=dev', '--no-audit', '--no-fund', '--prefer-offline']
    expectWell(run('npm', ['install', ...flags, join(packs, tarball)], folder))
  }, 240_000)

  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

  const inPackage = (...names: readonly string[]): string =>
    join(folder, 'node_modules', 'lakeward', ...names)

  test('holds what runs, what is read, and nothing else', async () => {
    expect((await readdir(inPackage())).toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'config',
      'dist',
      'docs',
      'package.json',
      'proto',
    ])
    const compiled = await readdir(inPackage('dist'), { recursive: true })
    expect(compiled).toContain(join('adapters', 'worker', 'etl-worker.js'))
    expect(compiled.filter((name) => /\btest\b|\.map$|generate/.test(name))).toEqual([])
    expect(compiled.filter((name) => /(?<!\.d)\.ts$/.test(name))).toEqual([])
    expect(await readdir(join(folder, 'node_modules'))).not.toContain('typescript')
  })

  test('demonstrates itself until it is ready', () => {
    const demo = run('npx', ['lakeward', 'demo', '--exit-when-ready'], folder)
    expectWell(demo)
    const { produced, read } = JSON.parse(lines(demo.stdout).at(-1) ?? '') as Counts
    expect(produced).toBeGreaterThan(0)
    expect(read).toBe(produced)
  })

  test('checks the configuration it brings as an example', () => {
    const check = run('npx', ['lakeward', 'check', '-c', inPackage('config/lakeward.yaml')], folder)
    expectWell(check)
    expect(lines(check.stdout)[0]).toMatch(/^ok .*: pipeline growth$/)
  })

  test('runs modules in a thread of its own', async () => {
    // Only the thread, once it has loaded the file, can say what the file exports.
    await writeFile(join(folder, 'idle.ts'), 'export const other: number = 1\n')
    await writeFile(join(folder, 'view.proto'), viewProto)
    await writeFile(join(folder, 'lakeward.yaml'), viewConfig)
    const started = run('npx', ['lakeward', 'run', '-c', 'lakeward.yaml'], folder)
    expect(started.status).toBe(2)
    expect(started.stderr).toContain('it exports no function "map"')
  })

  test('has types for modules', async () => {
    const module = (result: string): string =>
      `import type { EtlMap } from 'lakeward/etl'\n` +
      `export const map: EtlMap<{ views: bigint }> = (row, context) => ${result}\n`
    await writeFile(join(folder, 'right.ts'), module('context.offset < 0n ? null : { ...row }'))
    await writeFile(join(folder, 'wrong.ts'), module('row.views + BigInt(context.index)'))
    const flags = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'NodeNext']
    const compile = (file: string): Ended =>
      run(process.execPath, [compiler, ...flags, file], folder)
    expectWell(compile('right.ts'))
    expect(compile('wrong.ts').stdout).toMatch(/wrong\.ts\(2,.*Type 'bigint' is not assignable/)
  })

  test('gives its envelope to those who generate code from it', () => {
    const script = "console.log(import.meta.resolve('lakeward/proto/raw_event.proto'))"
    const resolved = run(process.execPath, ['--input-type=module', '-e', script], folder)
    expectWell(resolved)
    expect(resolved.stdout.trim()).toMatch(/node_modules\/lakeward\/proto\/raw_event\.proto$/)
  })
})

interface Counts {
  readonly produced: number
  readonly read: number
}

const viewProto = 'syntax = "proto3"; package test; message View { int64 views = 1; }\n'
const viewConfig = `
pipeline: views
kafka: { brokers: ["127.0.0.1:1"] }
lake: { url: "file:./lake" }
http: { listen: "127.0.0.1:0" }
streams:
  - name: views
    topic: views
    format: protobuf
    schema: { file: view.proto, message: test.View }
    etl: [{ module: idle.ts }]
`

/** Runs a program to its end, with this Node.js as the one that scripts find. */
function run(program: string, args: readonly string[], cwd: string): Ended {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  const env = { ...process.env, PATH: path }
  return spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 200_000 })
}

function expectWell({ status, stdout, stderr }: Ended): void {
  expect(status, lines(`${stdout}\n${stderr}`).slice(-30).join('\n')).toBe(0)
}

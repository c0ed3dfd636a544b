/** What a start of a daemon loads, and what it leaves. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const commandPath = new URL('../../../src/cli/commands/', import.meta.url).href

/** Node's own modules that a process has loaded when a command is there. */
async function nodeModulesOf(command: string): Promise<readonly string[]> {
  const script = `await import('${commandPath}${command}.ts'); console.log(process.moduleLoadList.join())`
  const words = ['--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, words)
  return stdout.split(',')
}

test.each(['run', 'demo'])(
  '%s loads no HTTP client of Node.js before it needs one',
  async (command) => {
    const loaded = await nodeModulesOf(command)
    expect(loaded).toContain('NativeModule http')
    expect(loaded.filter((name) => name.includes('undici'))).toEqual([])
  },
)

/** The entry of the command line: nothing but the process around `runCommandLine`. */
import { createRequire } from 'node:module'
import { LocalConfigFiles } from '../adapters/local/config-files.ts'
import type { Terminal } from './output.ts'
import { runCommandLine } from './program.ts'

const files = new LocalConfigFiles()

const terminal: Terminal = {
  writeOut: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  isColoured: process.stdout.isTTY === true && files.environment('NO_COLOR') === undefined,
  isInteractive: process.stderr.isTTY === true,
}

const stopped = new AbortController()
let listens = false

/** The first signal asks, the second one ends the process as if nobody listened. */
function stopSignal(): AbortSignal {
  if (!listens) {
    listens = true
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort())
  }
  return stopped.signal
}

/** Version of the package this file came with: of a checkout, or below `node_modules`. */
function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('../../package.json')
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

// A reader that has seen enough (`lakeward files … | head`) is no failure.
process.stdout.on('error', (error: Error & { readonly code?: string }) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal,
  files,
  stopSignal,
  version: packageVersion(),
})

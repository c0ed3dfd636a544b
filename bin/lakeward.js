#!/usr/bin/env -S node --single-threaded-gc --initial-heap-size=160 --max-semi-space-size=16
// Plain JavaScript of old, so that an old Node.js gets as far as the message about its age.
//
// The heap is small, what is large lies outside of it: helper threads of the garbage collector
// cost more than they help, and so do collections before the heap has grown to what it needs. Half
// of the space for young objects is enough, and is in use after minutes, not after hours.
// Without the flags all works the same, for some more CPU time.

import { existsSync, lstatSync, mkdirSync } from 'node:fs'
import module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import v8 from 'node:v8'

const nodeMajorMin = 24
const nodeMajor = Number(process.versions.node.split('.')[0])

if (nodeMajor < nodeMajorMin) {
  process.stderr.write(
    `lakeward needs Node.js ${nodeMajorMin} or newer, this is ${process.versions.node}\n` +
      'Install it from https://nodejs.org, or in a checkout run "npm ci" and "npm run demo".\n',
  )
  process.exit(2)
}

// What lies outside of the heap grows by hundreds of megabytes until it is used again: it counts as
// a part of the whole, or each 64 MiB more of it would have the heap marked, which frees none of it.
// Not among the flags above: an older Node.js knows no such flag, and would say only that. A newer
// one may have lost it, and would say so at each start.
if (nodeMajor === nodeMajorMin) v8.setFlagsFromString('--external-memory-accounted-in-global-limit')

// What Node.js compiled (and stripped of types) is kept for the next start: half of its CPU time.
// NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE=1 keeps nothing.
const compiled = ownFolder(`lakeward-compiled-${userId()}`)
if (compiled !== undefined) module.enableCompileCache(compiled)

// Node.js strips no types below node_modules: there the compiled files are the only ones that run.
const source = new URL('../src/cli/main.ts', import.meta.url)
const isPackage = import.meta.url.includes('/node_modules/') || !existsSync(source)
await import(isPackage ? new URL('../dist/cli/main.js', import.meta.url).href : source.href)

function userId() {
  return process.getuid === undefined ? 'own' : process.getuid()
}

/** Among the temporary files; undefined where others may write: what is kept there is run. */
function ownFolder(name) {
  const folder = join(tmpdir(), name)
  try {
    makeFolder(folder)
    const found = lstatSync(folder)
    const isOurs = process.getuid === undefined || found.uid === process.getuid()
    return found.isDirectory() && isOurs && (found.mode & 0o022) === 0 ? folder : undefined
  } catch {
    return undefined
  }
}

/** Not with its parents: Node.js tries that for ever where none can be made, as below /proc. */
function makeFolder(folder) {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}

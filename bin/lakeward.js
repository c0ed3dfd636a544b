#!/usr/bin/env -S node --single-threaded-gc --initial-heap-size=160
// Plain JavaScript of old, so that an old Node.js gets as far as the message about its age.
//
// The heap is small, what is large lies outside of it: helper threads of the garbage collector
// cost more than they help, and so do collections before the heap has grown to what it needs.
// Without the flags all works the same, for some more CPU time.

import { existsSync } from 'node:fs'
import module from 'node:module'

const nodeMajorMin = 24

if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
  process.stderr.write(
    `lakeward needs Node.js ${nodeMajorMin} or newer, this is ${process.versions.node}\n` +
      'Install it from https://nodejs.org, or in a checkout run "npm ci" and "npm run demo".\n',
  )
  process.exit(2)
}

// What Node.js compiled (and stripped of types) is kept for the next start: half of its CPU time.
module.enableCompileCache()

// Node.js strips no types below node_modules: there the compiled files are the only ones that run.
const source = new URL('../src/cli/main.ts', import.meta.url)
const isPackage = import.meta.url.includes('/node_modules/') || !existsSync(source)
await import(isPackage ? new URL('../dist/cli/main.js', import.meta.url).href : source.href)

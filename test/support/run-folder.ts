/** A folder for what test files of one run make once and share; it is gone when the run ends. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the folder. */
    readonly runFolder: string
  }
}

/** For vitest: runs before the first file, and what it returns after the last one. */
export default async function setUp({ provide }: TestProject): Promise<() => Promise<void>> {
  const path = await mkdtemp(join(tmpdir(), 'lakeward-run-'))
  provide('runFolder', path)
  return () => rm(path, { recursive: true, force: true, maxRetries: 5 })
}

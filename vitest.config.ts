import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** What vitest takes by itself leaves one core to a person who watches. */
const maxWorkers = availableParallelism()
const setupFiles = ['test/support/chance.ts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          setupFiles,
          include: ['test/{unit,property,faults,contract,sim,model,tidy}/**/*.test.ts'],
          // Files share the modules of their process: loading them for each costs half of the time.
          // No test may leave state behind in a module.
          isolate: false,
          maxWorkers,
          sequence: { groupOrder: 0 },
          // A bound for what hangs; a test is not judged by how busy the machine is.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'system',
          setupFiles,
          globalSetup: 'test/support/run-folder.ts',
          include: ['test/{golden,system}/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          // They wait more than they work; with more than two, JVMs of several would meet.
          maxWorkers: 2,
          // Tests that say so run beside each other: they wait for sessions and silences to end.
          maxConcurrency: 16,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/{unit,property,faults,contract,sim,model,tidy}/**/*.test.ts'],
          // Files share the modules of their process: loading them for each costs half of the time.
          // No test may leave state behind in a module.
          isolate: false,
          // A bound for what hangs; a test is not judged by how busy the machine is.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/{golden,system}/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})

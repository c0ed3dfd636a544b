import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/{unit,property,faults,contract,sim,tidy}/**/*.test.ts'],
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

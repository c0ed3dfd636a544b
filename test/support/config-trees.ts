/** Configurations as trees, with all that is required and as little else. */
import { expect } from 'vitest'
import { problemLine } from '../../src/daemon/config/problems.ts'
import { parseConfig } from '../../src/daemon/config.ts'

export type Tree = Record<string, unknown>

export const streamTree = (more: Tree = {}): Tree => ({
  name: 'app_events',
  topic: 'growth.events',
  schema: { file: 'app_event.proto', message: 'growth.AppEvent' },
  ...more,
})

export const configTree = (more: Tree = {}): Tree => ({
  pipeline: 'growth',
  kafka: { brokers: ['127.0.0.1:9092'] },
  lake: { url: 'file:./lake' },
  streams: [streamTree()],
  ...more,
})

export const problemsOf = (tree: unknown): readonly string[] =>
  parseConfig(tree).problems.map(problemLine)

/** The one problem of a tree that has exactly one. */
export function onlyProblem(tree: unknown): string {
  const problems = problemsOf(tree)
  expect(problems).toHaveLength(1)
  return problems[0] ?? ''
}

/** The problem of a stream with one more key. */
export const streamProblem = (more: Tree): string =>
  onlyProblem(configTree({ streams: [streamTree(more)] }))

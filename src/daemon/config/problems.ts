import type { z } from 'zod'
import { nearestOf } from './nearest.ts'

/** Keys from the root to a value; numbers are positions in lists. */
export type KeyPath = readonly (string | number)[]

/** One thing that is wrong, and where. */
export interface ConfigProblem {
  readonly path: KeyPath
  /** The end of a sentence that begins with the path. */
  readonly text: string
}

/** How people write a path: `streams[0].eventTime.field`. */
export function pathName(path: KeyPath): string {
  if (path.length === 0) return 'configuration'
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`
    return name === '' ? part : `${name}.${part}`
  }, '')
}

/** One line for people: `commit.interval: 60 has no unit; accepted: 500ms, 60s, 5m`. */
export function problemLine(problem: ConfigProblem): string {
  return `${pathName(problem.path)}: ${problem.text}`
}

/** All that zod found, in our words. Undefined, as of a parse that went well, is nothing. */
export function problemsOf(error: z.ZodError | undefined): readonly ConfigProblem[] {
  return (error?.issues ?? []).flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    if (issue.code !== 'unrecognized_keys') return [{ path, text: issue.message }]
    const accepted = issue.message.split(' ')
    return issue.keys.map((key) => ({ path: [...path, key], text: unknownKey(key, accepted) }))
  })
}

function unknownKey(key: string, accepted: readonly string[]): string {
  const nearest = nearestOf(key, accepted)
  if (nearest.length > 0) return `unknown key; nearest: ${nearest.join(', ')}`
  return accepted.join('') === ''
    ? 'unknown key; accepted: none here'
    : `unknown key; accepted: ${accepted.join(', ')}`
}

import type { Exploration } from './explore.ts'
import { type Rule, textOf } from './rules.ts'

/** What is wrong with what an exploration showed, if anything. */
export function judge(exploration: Exploration, off: readonly Rule[]): string | undefined {
  const { outcome, violation } = exploration
  const needed = off.filter((rule) => textOf(rule).harmless !== true)
  if (needed.length === 0) return violation
  if (outcome === 'violated') return undefined
  return `nothing shows that ${needed.join(', ')} is needed`
}

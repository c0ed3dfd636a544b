/**
 * The known words that somebody may have meant by an unknown one, best first; at most three.
 *
 * A word is near when a third of its letters, rounded up, must change at most, or when one is part
 * of the other.
 */
export function nearestOf(word: string, known: readonly string[]): readonly string[] {
  return known
    .map((candidate) => ({ candidate, steps: stepsBetween(fold(word), fold(candidate)) }))
    .filter(({ candidate, steps }) => isNear(fold(word), fold(candidate), steps))
    .toSorted((a, b) => a.steps - b.steps)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

const fold = (word: string): string => word.toLowerCase().replaceAll(/[-_]/g, '')

function isNear(word: string, candidate: string, steps: number): boolean {
  const partLengthMin = 4
  const [shorter, longer] = word.length < candidate.length ? [word, candidate] : [candidate, word]
  if (shorter.length >= partLengthMin && longer.includes(shorter)) return true
  return steps <= Math.ceil(candidate.length / 3)
}

/** Fewest letters to insert, delete or replace to make one word of the other. */
function stepsBetween(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      const inserted = (current[column - 1] ?? 0) + 1
      const deleted = (previous[column] ?? 0) + 1
      current.push(Math.min(replaced, inserted, deleted))
    }
    previous = current
  }
  return previous[to.length] ?? 0
}

/**
 * What a stream or a pipeline reads: names of topics, and patterns that select topics by their
 * whole name.
 *
 *     growth.events      this topic: the full stop of a name is a full stop
 *     growth\..*         every topic whose name begins with "growth."
 *
 * A text is a pattern when it has a character that no topic's name can have. Kafka's own topics,
 * which begin with two underscores, are selected by name alone.
 */
const patternMarks = /[*^$()[\]{}|+?\\]/

/** True of a pattern, false of the name of one topic. */
export const isTopicPattern = (selector: string): boolean => patternMarks.test(selector)

export const topicNamesIn = (selectors: readonly string[]): readonly string[] =>
  selectors.filter((selector) => !isTopicPattern(selector))

export const topicPatternsIn = (selectors: readonly string[]): readonly string[] =>
  selectors.filter(isTopicPattern)

/** @throws {SyntaxError} it is no regular expression. */
export const patternOf = (selector: string): RegExp => new RegExp(`^(?:${selector})$`, 'u')

const internalPrefix = '__'

interface Compiled {
  readonly names: ReadonlySet<string>
  readonly patterns: readonly RegExp[]
}

/** Compiled once for each list: they live as long as the configuration. */
const compiledLists = new WeakMap<readonly string[], Compiled>()

function compiledOf(selectors: readonly string[]): Compiled {
  const known = compiledLists.get(selectors)
  if (known !== undefined) return known
  const compiled = {
    names: new Set(topicNamesIn(selectors)),
    patterns: topicPatternsIn(selectors).map(patternOf),
  }
  compiledLists.set(selectors, compiled)
  return compiled
}

/** True when one of `selectors` is the topic's name, or a pattern that selects it. */
export function selectsTopic(selectors: readonly string[], topic: string): boolean {
  const { names, patterns } = compiledOf(selectors)
  if (names.has(topic)) return true
  if (topic.startsWith(internalPrefix)) return false
  return patterns.some((pattern) => pattern.test(topic))
}

/** True when only a pattern selects it, so that it may come and go without a new configuration. */
export const isSelectedByPattern = (selectors: readonly string[], topic: string): boolean =>
  selectsTopic(selectors, topic) && !compiledOf(selectors).names.has(topic)

/** True when one pattern selects both; what is also named stands for itself. */
export function sharesPattern(selectors: readonly string[], one: string, other: string): boolean {
  const { names, patterns } = compiledOf(selectors)
  if (names.has(one) || names.has(other)) return false
  const isBoth = (pattern: RegExp): boolean => pattern.test(one) && pattern.test(other)
  return patterns.some(isBoth)
}

/**
 * True unless it is certain that no topic is selected by both: two patterns are told apart only by
 * the plain text that they begin with.
 */
export function mayShareTopic(one: string, other: string): boolean {
  if (one === other) return true
  const [first, second] = [isTopicPattern(one), isTopicPattern(other)]
  if (!first && !second) return false
  if (!first) return selectsTopic([other], one)
  if (!second) return selectsTopic([one], other)
  const [start, otherStart] = [plainStart(one), plainStart(other)]
  return start.startsWith(otherStart) || otherStart.startsWith(start)
}

/** Text that every topic of a pattern begins with: `growth\.` and plain letters, up to a mark. */
function plainStart(pattern: string): string {
  // A choice may begin with anything.
  if (pattern.includes('|')) return ''
  const [plain = ''] = /^(?:[A-Za-z0-9_-](?![*?{])|\\[.](?![*?{]))*/.exec(pattern) ?? []
  return plain.replaceAll('\\', '')
}

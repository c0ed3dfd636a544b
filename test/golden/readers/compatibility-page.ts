/** docs/compatibility.md: which reader sees what, from the results that were recorded. */
import { present } from '../../../src/base/assert.ts'
import { features } from '../features/all.ts'
import type { Feature } from '../features/feature.ts'
import { type KnownDifference, knownDifferences } from './differences.ts'
import type { Judgement } from './golden-folder.ts'
import { type Reader, readers } from './readers.ts'
import type { Verdict } from './verdict.ts'

interface ReaderResult extends Judgement {
  /** Day of the run, ISO. */
  readonly date: string
  /** That made the files; with "+" where the tree was changed since. */
  readonly commit: string
}

/** By the reader's id. */
export type Results = Readonly<Record<string, ReaderResult>>

export const pagePath = 'docs/compatibility.md'
export const resultsPath = 'test/golden/readers/results.json'

const marks = { equal: '✓', differs: '≠', refused: '✗', filter: '?' } as const

const introduction = `# Which readers see what

<!-- Made from test/golden/readers/results.json by \`node test/golden/readers/record.ts\`. -->

For each feature a file is written by lakeward; each reader reads it, and its rows are compared with
what was sent, value by value: integers to the last digit, floating point to the last bit, null
apart from default. Where a feature has comparisons, their counts must be right too, with everything
the reader skips by statistics, page indexes and Bloom filters. The recipes stand in
\`test/golden/features/\`.

**✓** every value is equal · **≠** the reader shows something else · **✗** the reader refuses ·
**?** rows are equal, a comparison is not · **–** not tried. The number beside it is that of the
explanation below.

How the readers are installed and run stands in
[test/golden/readers/README.md](../test/golden/readers/README.md). Trino reads timestamps with
\`hive.timestamp-precision: NANOSECONDS\` here; its own default shows milliseconds.
`

/** @throws {InvariantError} a result that is not equal has no known difference. */
export function compatibilityPage(results: Results): string {
  const tried = readers.filter(({ id }) => results[id] !== undefined)
  return [
    introduction,
    '## Readers\n',
    readerTable(tried, results),
    '\n## Features\n',
    featureTable(tried, results),
    '\n## Differences\n',
    knownDifferences
      .map((difference, index) => differenceText(difference, index + 1, results))
      .join('\n\n'),
    '',
  ].join('\n')
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

function readerTable(tried: readonly Reader[], results: Results): string {
  const lines = tried.map((reader) => {
    const { version, date, commit, verdicts } = resultOf(results, reader.id)
    const all = Object.values(verdicts)
    const equal = all.filter(({ kind }) => kind === 'equal').length
    return row([
      reader.alsoReads === '' ? reader.title : `${reader.title} (${reader.alsoReads})`,
      version,
      `${equal} of ${all.length}`,
      checkedBy(reader),
      date,
      commit,
    ])
  })
  const head = ['reader', 'version', 'equal', 'checked', 'recorded', 'at commit']
  return [row(head), row(head.map(() => '---')), ...lines].join('\n')
}

function checkedBy({ id, service }: Reader): string {
  if (service === 'chdb') return 'by tests, where it is installed'
  return service === undefined && id !== 'hyparquet' ? 'by hand' : 'by tests'
}

function featureTable(tried: readonly Reader[], results: Results): string {
  const head = ['feature', ...tried.map(({ title }) => title)]
  const lines = features.map((feature) =>
    row([
      `${feature.title}`,
      ...tried.map(({ id }) => mark(id, feature, resultOf(results, id).verdicts[feature.name])),
    ]),
  )
  return [row(head), row(['---', ...tried.map(() => ':-:')]), ...lines].join('\n')
}

function mark(readerId: string, feature: Feature, verdict: Verdict | undefined): string {
  if (verdict === undefined) return '–'
  if (verdict.kind === 'equal') return marks.equal
  const index = knownDifferences.findIndex((known) => concerns(known, readerId, feature.name))
  return `${marks[verdict.kind]} ${index < 0 ? 'unexplained' : index + 1}`
}

export const concerns = (known: KnownDifference, readerId: string, featureName: string): boolean =>
  known.readers.includes(readerId) && known.features.includes(featureName)

const resultOf = (results: Results, id: string): ReaderResult =>
  present(results[id], 'a reader that was tried has a result')

function differenceText(known: KnownDifference, number: number, results: Results): string {
  const { readers: ids, features: names, because } = known
  const titles = readers.filter(({ id }) => ids.includes(id)).map(({ title }) => title)
  const examples = ids
    .flatMap((id) => names.map((name) => ({ name, verdict: results[id]?.verdicts[name] })))
    .flatMap(({ name, verdict }) =>
      verdict === undefined || verdict.kind === 'equal' ? [] : [`${name}: ${textOf(verdict)}`],
    )
  return [
    `**${number}. ${titles.join(', ')}.** ${because}`,
    '```',
    examples[0] ?? 'no example was recorded',
    '```',
  ].join('\n')
}

function textOf(verdict: Exclude<Verdict, { readonly kind: 'equal' }>): string {
  return verdict.kind === 'refused' ? verdict.message : verdict.example
}

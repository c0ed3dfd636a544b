import type { EtlMap } from '../../../../../src/etl/api.ts'

interface Row {
  readonly name: string
  readonly views: bigint
}

/** What each name asks for; all others have their views doubled. */
const asked: Readonly<Record<string, (row: Row) => unknown>> = {
  drop: () => null,
  nothing: () => undefined,
  none: () => [],
  twice: (row) => [row, { ...row, views: row.views + 1n }],
  throw: () => {
    throw new TypeError('first line\nsecond line')
  },
  odd: () => {
    throw Object.create(null)
  },
  wrong: (row) => ({ ...row, views: 'many' }),
  'half-wrong': (row) => [row, { ...row, nobody: 1 }],
  later: (row) => Promise.resolve(row),
  route: (row) => ({ stream: 'other', row }),
  hang: () => {
    for (;;);
  },
  exit: () => process.exit(3),
  fill: () => {
    const kept: string[][] = []
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, at) => `${at} of ${kept.length}`))
  },
}

export const map: EtlMap<Row> = (row, context) => {
  const answer = asked[row.name]
  if (answer !== undefined) return answer(row) as object
  if (row.name === 'where')
    return { name: `${context.stream} ${placeOf(context)}`, views: context.offset }
  return { ...row, views: row.views * 2n }
}

function placeOf(context: Parameters<typeof map>[1]): string {
  const trace = Buffer.from(context.headers.get('trace') ?? []).toString()
  const { topic, partition, index, eventTimeMs } = context
  return [`${topic}/${partition}`, index, eventTimeMs, trace].join(' ')
}

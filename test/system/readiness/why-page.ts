/** `docs/why.md`: what `lakeward why` printed, without what is of the moment. */
import type { Drawn } from './why-world.ts'

export interface Told {
  readonly rule: string
  /** How it came about, as a sentence. */
  readonly because: string
  /** As printed. */
  readonly text: string
}

const hourMs = 3_600_000
/** The hour that the page asks about, in place of the one that was drawn. */
const shownStartMs = Date.UTC(2026, 10, 20, 13)
/** Hours around it that are told as such; other times are of the moment. */
const shownHours = 4
/** What is replaced, and by which name. */
const ofTheMoment = new RegExp(
  [
    '(?<time>\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z)',
    '(?<hour>\\d{4}-\\d\\d-\\d\\dT\\d\\d)(?!:?\\d)',
    '(?<address>\\d+(?:\\.\\d+){3}:\\d+)',
    '(?<file>[\\w.=/-]+\\.parquet)',
    "(?<path>(?<=')/[^']*)",
    '(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})',
    '(?<writer>\\b[0-9a-f]{8,32}\\b)',
    '(?<number>(?<![\\w.])\\d+\\b)',
  ].join('|'),
  'g',
)

/** The text as every seed must print it. */
export function normalised(text: string, { seed, startMs }: Drawn): string {
  const shown = (timeMs: number): string | undefined => {
    const hours = (timeMs - startMs) / hourMs
    if (!Number.isInteger(hours) || Math.abs(hours) > shownHours) return undefined
    return new Date(shownStartMs + hours * hourMs).toISOString()
  }
  return text
    .replaceAll(`_${seed}`, '')
    .replaceAll(ofTheMoment, (...found: unknown[]) => {
      const { time, hour, ...named } = found.at(-1) as Record<string, string | undefined>
      if (time !== undefined) return shown(Date.parse(time)) ?? '<time>'
      if (hour !== undefined) return shown(Date.parse(`${hour}:00:00Z`))?.slice(0, 13) ?? '<hour>'
      const [name] = Object.entries(named).find(([, value]) => value !== undefined) ?? []
      return `<${name === 'number' ? 'n' : name}>`
    })
    .replaceAll(/ +$/gm, '')
}

/** @param told in the order of the page. */
export function whyPage(told: readonly Told[], by: Drawn): string {
  const parts = told.map(({ rule, because, text }) => {
    return `## \`${rule}\`\n\n${because}\n\n\`\`\`\n${normalised(text, by)}\n\`\`\`\n`
  })
  return `# What \`lakeward why\` says

Each answer was printed by the command, asked about one hour of a stream whose daemon, broker and
lake were real processes and folders. The rules are explained in [readiness.md](readiness.md).
\`<n>\`, \`<time>\`, \`<writer>\` and the like stand for what is of the moment.

\`npx vitest run test/system/readiness/why-page -u\` writes this page: twice, with other names, hours and
numbers, and both must be the same.

${parts.join('\n')}`
}

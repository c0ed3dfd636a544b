import type { FaultDefinition } from '../base/faults/definition.ts'

const opening = `# Errors

This page is generated: \`npm run generate\` makes it from the tables in \`src/base/faults/\`.

Every operating error has a code that stays, says whom it concerns, whether trying again can help,
and what to do. \`<words>\` in a message stand for values.

- **Concerns**: \`user\`, who configured it; \`external\`, who runs the system outside;
  \`internal\`, us.
- **Again**: \`backoff\`, lakeward tries again by itself with growing pauses; \`never\`, the same
  would fail again.
`

/** A table of faults, whatever their facts. */
export type AnyFaultTable = Readonly<Record<string, FaultDefinition<never>>>

/** The page that lists every fault. */
export function errorReference(table: AnyFaultTable): string {
  const sections = Object.entries(table)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, fault]) => sectionOf(code, fault))
  return [opening, ...sections].join('\n')
}

function sectionOf(code: string, { domain, retry, message, hint }: FaultDefinition<never>): string {
  return [
    `## ${code}`,
    '',
    `Concerns: ${domain}. Again: ${retry}.`,
    '',
    `    ${message(factsByName() as never)}`,
    '',
    hint,
    '',
  ].join('\n')
}

/** Facts of any fault: each stands for itself by its name, `<path>`. */
function factsByName(): unknown {
  return new Proxy({}, { get: (_, name) => namedValue(`<${String(name)}>`) })
}

/** A value that reads as its name, whatever a message does with it. */
function namedValue(name: string): unknown {
  const value = (): unknown => namedValue(name)
  return new Proxy(value, {
    get: (_, property) => {
      if (property === Symbol.toPrimitive) return () => name
      if (property === 'toString' || property === 'join') return () => name
      return namedValue(name)
    },
  })
}

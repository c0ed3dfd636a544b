/**
 * Expositions of several workers as one: each sample gets a label with its worker, each family its
 * help and type once.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, version 0.0.4).
 */

interface Family {
  readonly head: readonly string[]
  readonly samples: string[]
}

/** @param texts exposition by worker. */
export function mergeExpositions(texts: ReadonlyMap<number, string>): string {
  const families = new Map<string, Family>()
  for (const [worker, text] of texts) {
    for (const family of familiesOf(text)) {
      const known = families.get(family.name) ?? { head: family.head, samples: [] }
      families.set(family.name, known)
      known.samples.push(...family.samples.map((sample) => labelled(sample, worker)))
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples])
  return lines.map((line) => `${line}\n`).join('')
}

/** Families in their order; the format has all lines of one together, behind its comments. */
function familiesOf(text: string): readonly (Family & { readonly name: string })[] {
  const found: { name: string; head: string[]; samples: string[] }[] = []
  for (const line of text.split('\n')) {
    const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1]
    const last = found.at(-1)
    if (name !== undefined) {
      if (last?.name === name) last.head.push(line)
      else found.push({ name, head: [line], samples: [] })
    } else if (line !== '' && !line.startsWith('#')) last?.samples.push(line)
  }
  return found
}

/** `name 1` and `name{a="b"} 1` with one more label, the first. */
function labelled(sample: string, worker: number): string {
  const label = `worker="${worker}"`
  const [, name = '', labels, rest = ''] = /^([^\s{]+)(?:\{(.*)\})?( .*)$/.exec(sample) ?? []
  return `${name}{${labels === undefined || labels === '' ? label : `${label},${labels}`}}${rest}`
}

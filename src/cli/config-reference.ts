/** The part of JSON Schema that our grammar is written in. */
export interface JsonSchema {
  readonly title?: string
  readonly description?: string
  /** What may be written, for people. */
  readonly accepted?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly type?: string
  /** `{}` for keys whose feature is not built: nothing fits them. */
  readonly not?: JsonSchema
}

interface DescribedKey {
  readonly path: string
  readonly schema: JsonSchema
  readonly isRequired: boolean
}

const opening = `# Configuration

This page is generated: \`npm run generate\` makes it from the grammar in \`src/**/config.ts\`.

One YAML file for each business unit; every key with a comment is in \`config/lakeward.yaml\`, the
JSON Schema for editors in \`config/lakeward.schema.json\`. \`lakeward check -c FILE\` tells all
that is wrong with a configuration at once, or what it comes to.

- Units stand in the value: \`60s\`, \`256MiB\`. A number without its unit is refused.
- An unknown key is refused, and so are keys that contradict each other.
- Secrets stand elsewhere: \`env:NAME\` or \`file:path\`. They are printed as \`***\`.
- Relative paths start from the folder of the file. Each file \`streams/*.yaml\` beside it is one
  more entry of \`streams\`.
`

/** The page that lists every key. */
export function configReference(schema: JsonSchema): string {
  const keys = keysBelow(schema, '')
  const built = keys.filter(({ schema: { not } }) => not === undefined)
  const unbuilt = keys.filter(({ schema: { not } }) => not !== undefined)
  return [
    opening,
    '| key | accepted | default | meaning |',
    '|---|---|---|---|',
    ...built.map(keyLine),
    '',
    '## Known, and not supported by this version',
    '',
    'These keys are refused by name, never accepted and ignored.',
    '',
    '| key | meaning |',
    '|---|---|',
    ...unbuilt.map(({ path, schema: { description } }) => `| \`${path}\` | ${description ?? ''} |`),
    '',
  ].join('\n')
}

function keysBelow(schema: JsonSchema, above: string): readonly DescribedKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const path = above === '' ? key : `${above}.${key}`
    const isRequired = schema.required?.includes(key) === true
    return [
      { path, schema: value, isRequired },
      ...keysBelow(value, path),
      ...keysOfItems(value, path),
    ]
  })
}

const keysOfItems = ({ items }: JsonSchema, path: string): readonly DescribedKey[] =>
  items === undefined ? [] : keysBelow(items, `${path}[]`)

function keyLine({ path, schema, isRequired }: DescribedKey): string {
  const accepted = schema.items === undefined ? kindOf(schema) : `a list of ${kindOf(schema.items)}`
  const cells = [`\`${path}\``, accepted, defaultOf(schema, isRequired), schema.description ?? '']
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const kindOf = (schema: JsonSchema): string =>
  schema.accepted ?? (schema.properties === undefined ? (schema.type ?? '') : 'a section')

function defaultOf({ default: value, properties }: JsonSchema, isRequired: boolean): string {
  if (isRequired) return 'required'
  if (value === undefined || properties !== undefined) return ''
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

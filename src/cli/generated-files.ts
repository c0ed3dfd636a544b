/**
 * Files that are made from the source and committed: the reference of configuration, its JSON
 * Schema, and the list of faults. `npm run generate` writes them; a test says when they are stale.
 */
import { z } from 'zod'
import { faults } from '../base/fault.ts'
import { configSection } from '../daemon/config.ts'
import { configReference, type JsonSchema } from './config-reference.ts'
import { errorReference } from './error-reference.ts'

/** Text of each generated file, by its path from the top of the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const schema = configJsonSchema()
  return new Map([
    ['docs/config.md', configReference(schema)],
    ['config/lakeward.schema.json', `${JSON.stringify(withoutWording(schema), null, 2)}\n`],
    ['docs/errors.md', errorReference(faults)],
  ])
}

/** What a person may write; with the key "accepted", which is ours, the wording for people. */
function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSection, { io: 'input' }) as JsonSchema
  return { ...schema, title: 'Configuration of lakeward' }
}

/** Editors complain of keys that JSON Schema does not know. */
function withoutWording(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutWording)
  if (typeof part !== 'object' || part === null) return part
  const entries = Object.entries(part).filter(
    ([key, value]) => !(key === 'accepted' && typeof value === 'string'),
  )
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutWording(value)]))
}

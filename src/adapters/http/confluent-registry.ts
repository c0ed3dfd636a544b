/**
 * Schemas by number from the HTTP API of Confluent's registry, or one that speaks it.
 *
 * Invariants:
 * - only the registry's own "schema not found" says that a number is unknown; another page that is
 *   not found says nothing;
 * - an answer is read up to a bound: whatever answers at that address fills no memory;
 * - a redirect is not followed: credentials go to the configured server alone.
 *
 * Sample: GET /schemas/ids/42 → {"schemaType":"PROTOBUF","schema":"syntax = \"proto3\"; …"}
 *
 * Source: Confluent's documentation, "Schema Registry API Reference".
 */
import { z } from 'zod'
import { Fault } from '../../base/fault.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts'

const answerMsMax = 10_000
/** Far above any schema: registries keep each in one record of Kafka. */
const answerBytesMax = 16 * 1_048_576
const schemaNotFound = 40_403
const shownCharactersMax = 200

const schemaShape = z.object({ schema: z.string(), schemaType: z.string().default('AVRO') })
const errorShape = z.object({ error_code: z.number() })

export interface ConfluentRegistryOptions {
  /** Without a slash at its end. */
  readonly url: string
  readonly login: { readonly username: string; readonly password: string } | undefined
}

export class ConfluentRegistry implements SchemaRegistry {
  readonly #options: ConfluentRegistryOptions

  constructor(options: ConfluentRegistryOptions) {
    this.#options = options
  }

  async schema(id: number, signal: AbortSignal): Promise<RegisteredSchema> {
    const { url } = this.#options
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)])
    const request = { headers: this.#headers(), signal: bounded, redirect: 'manual' } as const
    try {
      const response = await fetch(`${url}/schemas/ids/${id}`, request)
      const text = await textOf(response)
      if (response.status === 200) return schemaIn(text)
      if (isNotFound(text)) return { kind: 'unknown' }
      throw new Error(`it answered ${response.status} ${text.slice(0, shownCharactersMax)}`.trim())
    } catch (error) {
      const reason = bounded.aborted ? 'no answer in time' : reasonOf(error)
      const facts = { url, id, reason }
      throw new Fault('SCHEMA_REGISTRY_UNREACHABLE', facts, { cause: error })
    }
  }

  #headers(): Record<string, string> {
    const { login } = this.#options
    const accept = { accept: 'application/vnd.schemaregistry.v1+json, application/json' }
    if (login === undefined) return accept
    const words = Buffer.from(`${login.username}:${login.password}`).toString('base64')
    return { ...accept, authorization: `Basic ${words}` }
  }
}

/** @throws {Error} it is longer than any answer of a registry; the rest is not read. */
async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let readBytes = 0
  for await (const part of body ?? []) {
    readBytes += part.length
    if (readBytes > answerBytesMax) {
      throw new Error(`its answer is longer than ${answerBytesMax} bytes`)
    }
    parts.push(part)
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}

function schemaIn(text: string): RegisteredSchema {
  const { schema, schemaType } = schemaShape.parse(JSON.parse(text))
  if (schemaType === 'PROTOBUF') return { kind: 'protobuf', text: schema }
  return { kind: 'foreign', type: schemaType }
}

function isNotFound(text: string): boolean {
  try {
    return errorShape.parse(JSON.parse(text)).error_code === schemaNotFound
  } catch {
    return false
  }
}

/** The fetch of Node hides why behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

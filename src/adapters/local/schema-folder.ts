import { join } from 'node:path'
import type { ConfigFiles } from '../../ports/config-files.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts'

/** Schemas by number in a folder: `42.proto` is the source of schema 42. */
export class SchemaFolder implements SchemaRegistry {
  readonly #folder: string
  readonly #files: ConfigFiles

  constructor(folder: string, files: ConfigFiles) {
    this.#folder = folder
    this.#files = files
  }

  async schema(id: number): Promise<RegisteredSchema> {
    const text = await this.#files.readText(join(this.#folder, `${id}.proto`))
    return text === undefined ? { kind: 'unknown' } : { kind: 'protobuf', text }
  }
}

import type { FaultTable } from './definition.ts'

/** What can be wrong with a stream's schema. */
export const schemaFaults = {
  SCHEMA_UNREADABLE: {
    domain: 'user',
    retry: 'never',
    message: (f: { file: string; reason: string }) =>
      `could not read schema "${f.file}": ${f.reason}`,
    hint: 'Check that the file is valid protobuf source and that its imports stand beside it.',
  },
  SCHEMA_MESSAGE_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    message: (f: { file: string; message: string; known: readonly string[] }) =>
      `message "${f.message}" is not in schema "${f.file}", which has ${f.known.join(', ')}`,
    hint: 'Give the full name of the message with its package in schema.message.',
  },
  SCHEMA_NOT_SUPPORTED: {
    domain: 'user',
    retry: 'never',
    message: (f: { message: string; field: string; feature: string }) =>
      `field "${f.field}" of message "${f.message}" needs ${f.feature}, ` +
      'not supported by this version',
    hint: 'Remove the field from the schema given to lakeward, or wait for a newer version.',
  },
  SCHEMA_REGISTRY_UNREACHABLE: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { url: string; id: number; reason: string }) =>
      `could not get schema ${f.id} from registry "${f.url}": ${f.reason}`,
    hint: 'Check schemaRegistry and whether it answers; its records wait in Kafka until then.',
  },
  SCHEMA_INCOMPATIBLE: {
    domain: 'user',
    retry: 'never',
    message: (f: { message: string; number: number; before: string; after: string }) =>
      `field ${f.number} of message "${f.message}" was "${f.before}" and is "${f.after}"`,
    hint: 'Give the new field a number of its own: files of both versions are read as one table.',
  },
  SCHEMA_NAME_COLLISION: {
    domain: 'user',
    retry: 'never',
    message: (f: { message: string; column: string; first: string; second: string }) =>
      `fields "${f.first}" and "${f.second}" of message "${f.message}" ` +
      `would both be column "${f.column}"`,
    hint: 'Rename a field, or choose another rule for names; engines ignore upper and lower case.',
  },
} as const satisfies FaultTable

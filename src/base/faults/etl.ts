import type { FaultTable } from './definition.ts'

/** What can be wrong with a stream's ETL steps. */
export const etlFaults = {
  ETL_EXPRESSION_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { stream: string; expression: string; position: number; reason: string }) =>
      `filter "${f.expression}" of stream "${f.stream}" is refused` +
      ` at column ${f.position}: ${f.reason}`,
    hint: 'docs/etl.md lists the operators and functions of filter expressions.',
  },
  ETL_RESULT_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { message: string; field: string; expected: string; got: string }) =>
      `field "${f.field}" of a row of message "${f.message}" must be ${f.expected}, got ${f.got}`,
    hint: 'Change what the ETL module returns; 64-bit integers are bigint, bytes are Uint8Array.',
  },
  ETL_MODULE_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { stream: string; file: string; reason: string }) =>
      `module "${f.file}" of stream "${f.stream}" is refused: ${f.reason}`,
    hint: 'The file must load without an error and export a function "map", by name or as default.',
  },
} as const satisfies FaultTable

import type { FaultTable } from './definition.ts'

/** What can be wrong with a stream's ETL steps. */
export const etlFaults = {
  ETL_EXPRESSION_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { stream: string; expression: string; position: number; reason: string }) =>
      `filter "${f.expression}" of stream "${f.stream}" is refused at column ${f.position}: ${f.reason}`,
    hint: 'docs/etl.md lists the operators and functions of filter expressions.',
  },
} as const satisfies FaultTable

import { describe, expect, onTestFinished, test } from 'vitest'
import { PyarrowRows } from '../../support/pyarrow-rows.ts'
import { hasPyarrow } from '../../support/require-service.ts'

describe.skipIf(!hasPyarrow())('pyarrow as a reader', () => {
  test('tells what is no file of Parquet, and reads on', async () => {
    const pyarrow = new PyarrowRows()
    onTestFinished(() => pyarrow.close())
    await expect(pyarrow.rowsOf(Buffer.from('PAR1 no more PAR1'))).rejects.toThrow(/pyarrow: /)
    await expect(pyarrow.rowsOf(new Uint8Array(0))).rejects.toThrow(/pyarrow: /)
    expect(pyarrow.files).toBe(0)
  })
})

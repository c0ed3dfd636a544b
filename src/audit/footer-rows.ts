/** How many rows a file's footer tells, read from its end only. */
import { ParquetError } from '../codec/parquet/parquet-error.ts'
import { readParquetMetadata } from '../codec/parquet/read-file.ts'

const tailBytes = 16_384

export type FooterRows =
  | { readonly kind: 'read'; readonly rowCount: number }
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * @param sizeBytes of the file.
 * @param read gives bytes `[first, next)`, or undefined when there is no such file.
 */
export async function readFooterRows(
  sizeBytes: number,
  read: (first: number, next: number) => Promise<Uint8Array | undefined>,
): Promise<FooterRows> {
  try {
    for (let wanted = Math.min(tailBytes, sizeBytes); ; ) {
      const tail = await read(sizeBytes - wanted, sizeBytes)
      if (tail === undefined) return { kind: 'unreadable', why: 'gone while it was read' }
      const outcome = readParquetMetadata(tail)
      if (outcome.kind === 'read') return { kind: 'read', rowCount: outcome.metadata.rowCount }
      if (outcome.tailBytes > sizeBytes) {
        return { kind: 'unreadable', why: 'its footer is longer than the file' }
      }
      wanted = outcome.tailBytes
    }
  } catch (error) {
    if (error instanceof ParquetError) return { kind: 'unreadable', why: error.message }
    throw error
  }
}

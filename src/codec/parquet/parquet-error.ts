/** Bytes are not the Parquet they should be. Whoever knows the file's path turns it into a fault. */
export class ParquetError extends Error {
  override readonly name = 'ParquetError'
}

/** Bytes are not the Parquet they should be. Who knows the file's path makes a fault of it. */
export class ParquetError extends Error {
  override readonly name = 'ParquetError'
}

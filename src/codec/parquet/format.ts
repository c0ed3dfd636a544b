/**
 * Numbers of `parquet.thrift` that we write.
 *
 * Source: Apache Parquet format 2.11, `parquet.thrift`.
 */

/** First and last bytes of every file. */
export const magic = Buffer.from('PAR1', 'latin1')

/** Length of the footer and the magic stand behind the footer. */
export const trailerBytes = 8

/**
 * Who wrote the file, in the form in which parquet-mr looks for known bugs of writers: without it,
 * or with another form, readers of the JVM ignore statistics of strings.
 */
export const createdBy = 'lakeward version 0.1.0 (build parquet-1)'

export const physicalTypes = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  'byte-array': 6,
} as const

export const repetitions = { required: 0, optional: 1, repeated: 2 } as const

export const encodings = {
  plain: 0,
  rle: 3,
  'delta-binary-packed': 5,
  'delta-byte-array': 7,
  'rle-dictionary': 8,
} as const

export const pageTypes = { data: 0, dictionary: 2 } as const

export const codecs = { none: 0, snappy: 1, gzip: 2, zstd: 6, lz4_raw: 7 } as const

/** Logical types of old readers. */
export const convertedTypes = {
  utf8: 0,
  map: 1,
  list: 3,
  enum: 4,
  timestampMillis: 9,
  timestampMicros: 10,
  uint32: 13,
  uint64: 14,
} as const

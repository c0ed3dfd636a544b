/**
 * Every difference that is known, with its reason. What differs and does not stand here is a
 * mistake, and so is what stands here and does not differ.
 */
export interface KnownDifference {
  readonly readers: readonly string[]
  readonly features: readonly string[]
  /** Full sentences, for those who use that reader. */
  readonly because: string
}

const trino = ['trino-476', 'trino-368']
const hive = ['spark-4-hive', 'spark-3.5-hive']
const spark35 = ['spark-3.5-vectorised', 'spark-3.5-rows', 'spark-3.5.6-vectorised']

export const knownDifferences: readonly KnownDifference[] = [
  {
    readers: ['chdb'],
    features: [
      'messages',
      'lists-of-messages',
      'maps-of-messages',
      'deep-messages',
      'deep-lists',
      'all-null',
      'timestamps-nested',
      'recursive-messages',
      'any-field-mask',
    ],
    because:
      'ClickHouse makes a nullable tuple only of a message whose fields are all required and flat. Of another one that ' +
      'is absent it shows a tuple of nulls and empty lists; an absent message can be told from an empty one by ' +
      'a required field, which is null in it. `mapping.nested: flatten` gives the same columns without tuples.',
  },
  {
    readers: ['duckdb', 'spark-4-vectorised', 'spark-4-rows', ...spark35, ...hive],
    features: ['timestamps-int96-nanos'],
    because:
      'Its timestamps have microseconds: what INT96 has below is cut off. `mapping.timestamps: struct` keeps it.',
  },
  {
    readers: spark35,
    features: ['timestamps-ends'],
    because:
      'Spark 3 refuses timestamps before 1900 in files that it did not write, because it cannot know their ' +
      'calendar: `spark.sql.parquet.datetimeRebaseModeInRead=CORRECTED`, which is the default of Spark 4.',
  },
  {
    readers: hive,
    features: [
      'integers-unsigned-32',
      'integers-unsigned-64',
      'map-keys-unsigned',
      'encoding-delta-packed-32',
      'bloom-filters',
      'bounds-unsigned',
    ],
    because:
      'Hive has no unsigned types. Values in the upper half come out negative, those below are right.',
  },
  {
    readers: hive,
    features: ['timestamps', 'timestamps-ends', 'timestamps-nested', 'identity-columns'],
    because:
      'Hive 2.3 reads timestamps from INT96 only: `mapping.timestamps: int96`, which makes `_ingest_ms` a ' +
      'number; or declare the column as bigint in the Hive table. Outside of UTC INT96 needs ' +
      '`hive.parquet.timestamp.skip.conversion=false` as well: it is taken for local time otherwise.',
  },
  {
    readers: trino,
    features: [
      'integers-unsigned-32',
      'integers-unsigned-64',
      'map-keys-unsigned',
      'encoding-delta-packed-32',
      'bloom-filters',
      'bounds-unsigned',
    ],
    because:
      'Trino has no unsigned types, and takes decimal(20) for no column of 64 bits. Declared as bigint, values in the upper ' +
      'half come out negative, of 32 bits too; those below are right.',
  },
  {
    readers: trino,
    features: ['codec-lz4-raw'],
    because: 'Trino does not know LZ4_RAW: `file.codec: zstd`, which is the default, or another.',
  },
  {
    readers: ['parquet-java-avro'],
    features: [
      'integers-unsigned-32',
      'integers-unsigned-64',
      'encoding-delta-packed-32',
      'bloom-filters',
      'bounds-unsigned',
    ],
    because:
      'Avro has no unsigned types. Values in the upper half come out negative, those below are right.',
  },
  {
    readers: ['parquet-java-avro'],
    features: ['maps', 'map-keys-signed', 'map-keys-unsigned'],
    because: 'Maps of Avro have keys of text only: the whole file is refused.',
  },
  {
    readers: ['parquet-java-groups', 'parquet-java-avro', 'hudi'],
    features: ['bounds'],
    because:
      'Its predicate for equality tells 0.0 from -0.0, whatever the statistics say. The rows are there.',
  },
]

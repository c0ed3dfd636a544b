/**
 * The calls of a Hive Metastore that are made, with the exceptions that each declares. On the wire
 * an exception is the field of the answer by that number; its class is not told.
 *
 * Source: proto/hive/hive_metastore.thrift, the metastore's own interface cut down to these calls;
 * a test compares the two.
 */
export const metastoreCalls = {
  getVersion: {},
  set_ugi: { 1: 'MetaException' },
  // Tests and examples make their database; the daemon finds one that is there.
  create_database: {
    1: 'AlreadyExistsException',
    2: 'InvalidObjectException',
    3: 'MetaException',
  },
  get_database: { 1: 'NoSuchObjectException', 2: 'MetaException' },
  create_table: {
    1: 'AlreadyExistsException',
    2: 'InvalidObjectException',
    3: 'MetaException',
    4: 'NoSuchObjectException',
  },
  // `get_table` is gone in 4.0.
  get_table_req: { 1: 'MetaException', 2: 'NoSuchObjectException' },
  alter_table_with_environment_context: { 1: 'InvalidOperationException', 2: 'MetaException' },
  add_partitions_req: {
    1: 'InvalidObjectException',
    2: 'AlreadyExistsException',
    3: 'MetaException',
  },
  get_partitions_by_names: {
    1: 'MetaException',
    2: 'NoSuchObjectException',
    // From 4.0 on: of a table that is not there.
    3: 'InvalidObjectException',
  },
  alter_partitions_with_environment_context: {
    1: 'InvalidOperationException',
    2: 'MetaException',
  },
} as const satisfies Record<string, Readonly<Record<number, string>>>

export type MetastoreCall = keyof typeof metastoreCalls

/** The class of the exception that an answer's field is, if it is one. */
export function exceptionOf(call: MetastoreCall, field: number): string | undefined {
  const declared: Readonly<Record<number, string>> = metastoreCalls[call]
  return declared[field]
}

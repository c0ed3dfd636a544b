/** Every service that can be started, by name. */
import { hdfs, hdfsHa, hdfsHttpfs, hdfsThree, hdfsTls } from './hdfs.ts'
import { hive, hiveKerberos } from './hive.ts'
import { hive3 } from './hive-3.ts'
import { kafka3, kafka3Three } from './kafka-3.ts'
import { kafka4, kafka4Three } from './kafka-4.ts'
import { kerberos } from './kerberos.ts'
import { s3 } from './s3.ts'
import { s3Minio } from './s3-minio.ts'
import type { ServiceKind } from './service-kind.ts'
import { spark } from './spark.ts'

const kinds: readonly ServiceKind[] = [
  hdfs,
  hdfsHa,
  hdfsHttpfs,
  hdfsThree,
  hdfsTls,
  kafka3,
  kafka3Three,
  kafka4,
  kafka4Three,
  s3,
  s3Minio,
  hive,
  hive3,
  hiveKerberos,
  kerberos,
  spark,
]

export const serviceNames: readonly string[] = kinds.map(({ name }) => name)

/** What was asked for cannot be: a name, a flag. */
export class Misuse extends Error {}

/** @throws {Misuse} there is no such service; the message lists those that there are. */
export function serviceNamed(name: string): ServiceKind {
  const kind = kinds.find((each) => each.name === name)
  if (kind !== undefined) return kind
  throw new Misuse(`there is no service "${name}"; accepted: ${serviceNames.join(', ')}`)
}

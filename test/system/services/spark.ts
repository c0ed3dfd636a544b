/**
 * Spark with Hive support, from the jars alone: nothing that stays up, but a program that is run
 * for a query and ends. `fetch` is all that there is to do before.
 */
import type { MavenArtifacts } from './maven-project.ts'
import type { ServiceKind } from './service-kind.ts'

const version = '3.5.1'

const artifacts: MavenArtifacts = {
  kind: 'maven',
  roots: [{ coordinate: `org.apache.spark:spark-hive-thriftserver_2.12:${version}` }],
}

export const spark: ServiceKind = {
  name: 'spark',
  version,
  artifacts,
  portNames: [],
  plan: () => ({ files: [], prepare: [], processes: [] }),
  address: () => 'local[1]',
  isReady: () => Promise.resolve(true),
}

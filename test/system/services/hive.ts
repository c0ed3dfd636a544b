/** The Hive Metastore of Hive 4.0. */
import { type HiveRelease, hiveMetastore } from './hive-metastore.ts'

const release: HiveRelease = {
  name: 'hive',
  version: '4.0.1',
  coordinate: 'org.apache.hive:hive-standalone-metastore-server:4.0.1',
  // Without it the first call that makes a database ends its connection.
  hadoop: ['hadoop-hdfs'],
}

export const hive = hiveMetastore(release)
/** The same behind Kerberos, with a realm of its own. */
export const hiveKerberos = hiveMetastore({ ...release, name: 'hive-kerberos', secured: true })

/** The Hive Metastore of Hive 3.1. */
import { type HiveRelease, hiveMetastore } from './hive-metastore.ts'

const release: HiveRelease = {
  name: 'hive-3',
  version: '3.1.3',
  coordinate: 'org.apache.hive:hive-standalone-metastore:3.1.3',
  hadoop: [],
}

export const hive3 = hiveMetastore(release)

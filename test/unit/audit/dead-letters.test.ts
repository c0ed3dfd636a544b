import { expect, test } from 'vitest'
import { findLetter, groupLetters } from '../../../src/audit/dead-letters.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { SimLake } from '../../sim/lake.ts'
import { sampleFile } from '../../support/log-samples.ts'

const file = sampleFile(commitIdOf(writerId('9f3ac1d2b0e4a67700112233445566aa'), 1), 13)
const table = { files: [file], replays: new Map() }

test.each([
  ['is not on the lake', undefined, 'it is in the log and not on the lake'],
  ['is empty', new Uint8Array(), ''],
  ['is no Parquet', Buffer.from('neither head nor foot, but long enough to hold both'), ''],
  ['says that its footer is longer', Buffer.from('PAR1\xff\xff\xff\x7fPAR1', 'latin1'), ''],
])('a file of letters that %s is named, with the reason', async (_name, bytes, reason) => {
  const lake = new SimLake()
  if (bytes !== undefined) await lake.put(file.path, bytes)
  const expected = { code: 'LAKE_FILE_UNREADABLE', facts: { path: file.path } }
  await expect(groupLetters(lake, table, undefined)).rejects.toMatchObject(expected)
  const query = { kind: 'fingerprint', fingerprint: 'f' } as const
  await expect(findLetter(lake, table, query)).rejects.toThrow(reason)
})

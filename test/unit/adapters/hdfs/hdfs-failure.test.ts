/** What each answer of WebHDFS is taken for: the table of docs/hdfs.md, row by row. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  DatanodeSilence,
  type HdfsFailure,
  HdfsRefusal,
  hdfsFailureOf,
} from '../../../../src/adapters/hdfs/hdfs-failure.ts'
import { Fault } from '../../../../src/base/fault.ts'

const call = { operation: 'stage', path: 'x' }
const where = { address: 'nn1:9870', user: 'lakeward' }

const refusal = (exception: string, message = 'of the test\n\tat org.apache', status = 403) =>
  new HdfsRefusal(status, Buffer.from(JSON.stringify({ RemoteException: { exception, message } })))

/** In one word, with the code of a fault that ends the call. */
function told(failure: HdfsFailure): string {
  if (failure.kind === 'again') return failure.elsewhere ? 'elsewhere' : 'again'
  if (failure.kind !== 'fault') return failure.kind
  return failure.elsewhere ? `${failure.fault.code} elsewhere` : failure.fault.code
}

const meaningOf = (error: unknown): string => told(hdfsFailureOf(error, call, where))

const byName: Readonly<Record<string, readonly string[]>> = {
  absent: ['FileNotFoundException', 'ParentNotDirectoryException'],
  exists: ['FileAlreadyExistsException', 'AlreadyBeingCreatedException'],
  'not-empty': ['PathIsNotEmptyDirectoryException'],
  elsewhere: ['StandbyException', 'RetriableException'],
  again: [
    'SafeModeException',
    'LeaseExpiredException',
    'RecoveryInProgressException',
    'EOFException',
    'ConnectException',
    'NoRouteToHostException',
    'SocketTimeoutException',
    'SocketException',
    'UnknownHostException',
    'ClosedChannelException',
    'InterruptedIOException',
    'BlockMissingException',
    'CannotObtainBlockLengthException',
    'NotReplicatedYetException',
    'RemoteException',
    'IOException',
  ],
  LAKE_REFUSED: [
    'AccessControlException',
    'NSQuotaExceededException',
    'DSQuotaExceededException',
    'QuotaByStorageTypeExceededException',
    'QuotaExceededException',
    'DiskOutOfSpaceException',
    'InvalidPathException',
    'IllegalArgumentException',
    'HadoopIllegalArgumentException',
    'UnsupportedOperationException',
    'FSLimitException',
    'SnapshotException',
    'MaxDirectoryItemsExceededException',
    'PathComponentTooLongException',
  ],
  LAKE_USER_REFUSED: [
    'SecurityException',
    'AuthenticationException',
    'AuthorizationException',
    'InvalidToken',
  ],
}

test.each(
  Object.entries(byName).flatMap(([meaning, names]) => names.map((name) => [name, meaning])),
)('%s is %s, by a namenode and by HttpFS', (name, meaning) => {
  expect(meaningOf(refusal(name))).toBe(meaning)
  expect(meaningOf(refusal(name, undefined, 500))).toBe(meaning)
})

test('the table names every exception that has a meaning of its own', () => {
  const source = readFileSync('src/adapters/hdfs/hdfs-failure.ts', 'utf8')
  const [, table = ''] = source.split('const meanings')
  const named = [...(table.split('\n}\n')[0] ?? '').matchAll(/^ {2}(\w+): '/gm)]
  const listed = new Set(Object.values(byName).flat())
  expect(named.length).toBeGreaterThan(30)
  expect(named.map(([, name]) => name).filter((name) => !listed.has(name ?? ''))).toEqual([])
})

test.each([
  ['a range behind the end', refusal('IOException', 'Offset=9 out of the range [0, 5)'), 'beyond'],
  [
    'a rename onto a folder',
    refusal('IOException', 'Source /a and destination /b must both be directories'),
    'LAKE_REFUSED',
  ],
  [
    'a path through a file that one may not enter',
    refusal('AccessControlException', '/x (is not a directory)'),
    'absent',
  ],
  [
    'no room on any datanode',
    refusal('IOException', 'File /x could only be written to 0 of the 1 minReplication nodes'),
    'again',
  ],
  ['a name that nobody knows', refusal('OddException'), 'LAKE_REFUSED'],
  ['the same as an error of the server', refusal('OddException', '', 500), 'again'],
  ['no permission to come in', new HdfsRefusal(401, Buffer.from('<html>')), 'LAKE_USER_REFUSED'],
  ['somebody else', new HdfsRefusal(404, Buffer.from('<html>')), 'LAKE_REFUSED elsewhere'],
  ['a gate that is down', new HdfsRefusal(503, Buffer.from('')), 'elsewhere'],
  ['a datanode that is silent', new DatanodeSilence(new Error('reset')), 'again'],
  [
    'a namenode that nobody is',
    Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    'elsewhere',
  ],
])('%s is %s', (_, error, meaning) => {
  expect(meaningOf(error)).toBe(meaning)
})

test('what is told is the first line, with status and name, and the cause is kept', () => {
  const error = refusal('AccessControlException', 'Permission denied: user=x\n\tat org.apache')
  const failure = hdfsFailureOf(error, call, where)
  if (failure.kind !== 'fault') throw new Error('it is a fault')
  expect(failure.fault.message).toBe(
    'the lake refused to stage "x": 403 AccessControlException: Permission denied: user=x',
  )
  expect(failure.fault.cause).toBe(error)
})

test('a bug of ours is none of its meanings', () => {
  for (const error of [
    new TypeError('x'),
    new Fault('LAKE_UNAVAILABLE', { ...call, reason: '' }),
  ]) {
    expect(() => hdfsFailureOf(error, call, where)).toThrow(error)
  }
})

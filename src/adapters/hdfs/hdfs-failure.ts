/**
 * What an answer of WebHDFS that is no success means, in one place.
 *
 *     {"RemoteException":{"exception":"FileNotFoundException","javaClassName":"java.io.…",
 *                         "message":"File /warehouse/x does not exist.\n\tat org.apache.…"}}
 *
 * - The status says little: 403 is a missing permission, safe mode, a standby, a file that exists,
 *   and a namenode that died under a datanode. The name of the exception decides.
 * - `exists`, `absent`, `beyond`, `not-empty` are alternatives that the caller asked for.
 * - `again`: the call may have had its effect, may still, or was turned away for now.
 * - Everything else is a fault that tells an operator what to do.
 * - A datanode's message carries a whole stack: its first line is told.
 *
 * Source: the WebHDFS documentation of Hadoop 3.4, "Error Responses"; docs/hdfs.md.
 */
import { Fault } from '../../base/fault.ts'
import { KerberosTrouble } from '../../base/kerberos-trouble.ts'

/** What was asked of which object, for people. */
export interface HdfsCall {
  /** What the lake is doing: "stage", "publish". */
  readonly operation: string
  /** As the lake's users name it. */
  readonly path: string
}

/** Who we are, and to whom, for people. */
export interface HdfsWhere {
  /** "nn1:9870,nn2:9870". */
  readonly address: string
  readonly user: string
}

/** `beyond`: a range that begins behind the end of the file. */
export type HdfsAlternative = 'absent' | 'exists' | 'beyond' | 'not-empty'

export type HdfsFailure =
  | { readonly kind: HdfsAlternative }
  /** `elsewhere`: another namenode may serve. */
  | { readonly kind: 'again' | 'fault'; readonly fault: Fault; readonly elsewhere: boolean }

/** An answer that is no success. */
export class HdfsRefusal extends Error {
  readonly status: number
  /** "AccessControlException"; empty where the answer was none of WebHDFS. */
  readonly exception: string

  constructor(status: number, body: Uint8Array) {
    const { exception, message } = remoteExceptionOf(body)
    super(message)
    this.name = 'HdfsRefusal'
    this.status = status
    this.exception = exception
  }
}

/** A datanode that does not answer: another namenode would send us there as well. */
export class DatanodeSilence extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
    this.name = 'DatanodeSilence'
  }
}

type Meaning = HdfsAlternative | 'again' | 'elsewhere' | 'refused' | 'foreign' | 'stranger'

const meanings: Readonly<Record<string, Meaning>> = {
  FileNotFoundException: 'absent',
  ParentNotDirectoryException: 'absent',
  FileAlreadyExistsException: 'exists',
  // Somebody creates it at this moment, under this name.
  AlreadyBeingCreatedException: 'exists',
  PathIsNotEmptyDirectoryException: 'not-empty',
  StandbyException: 'elsewhere',
  // Also of one that starts, for as long as it reads its image, while another serves.
  RetriableException: 'elsewhere',
  SafeModeException: 'again',
  LeaseExpiredException: 'again',
  RecoveryInProgressException: 'again',
  // A datanode lost its namenode meanwhile: what was asked may be done.
  EOFException: 'again',
  ConnectException: 'again',
  NoRouteToHostException: 'again',
  SocketTimeoutException: 'again',
  SocketException: 'again',
  UnknownHostException: 'again',
  ClosedChannelException: 'again',
  InterruptedIOException: 'again',
  // All datanodes of a block are away, or none has told of it yet.
  BlockMissingException: 'again',
  CannotObtainBlockLengthException: 'again',
  NotReplicatedYetException: 'again',
  RemoteException: 'again',
  IOException: 'again',
  AccessControlException: 'refused',
  NSQuotaExceededException: 'refused',
  DSQuotaExceededException: 'refused',
  QuotaByStorageTypeExceededException: 'refused',
  QuotaExceededException: 'refused',
  DiskOutOfSpaceException: 'refused',
  InvalidPathException: 'refused',
  IllegalArgumentException: 'refused',
  HadoopIllegalArgumentException: 'refused',
  UnsupportedOperationException: 'refused',
  FSLimitException: 'refused',
  SnapshotException: 'refused',
  MaxDirectoryItemsExceededException: 'refused',
  PathComponentTooLongException: 'refused',
  SecurityException: 'stranger',
  AuthenticationException: 'stranger',
  AuthorizationException: 'stranger',
  InvalidToken: 'stranger',
}

const unauthorized = 401
const serverErrorsFrom = 500

/** @param error what the call threw. @throws it, when it is our own. */
export function hdfsFailureOf(error: unknown, call: HdfsCall, where: HdfsWhere): HdfsFailure {
  if (error instanceof Fault || !(error instanceof Error)) throw error
  const facts = { ...call, reason: reasonOf(error) }
  const options = { cause: error }
  const again = (elsewhere: boolean): HdfsFailure => ({
    kind: 'again',
    fault: new Fault('LAKE_UNAVAILABLE', facts, options),
    elsewhere,
  })
  const stranger = (): HdfsFailure => ({
    kind: 'fault',
    fault: new Fault('LAKE_USER_REFUSED', { ...facts, ...where }, options),
    elsewhere: false,
  })
  const refused = (elsewhere: boolean): HdfsFailure => ({
    kind: 'fault',
    fault: new Fault('LAKE_REFUSED', facts, options),
    elsewhere,
  })
  if (error instanceof DatanodeSilence) return again(false)
  if (error instanceof KerberosTrouble) return error.passes ? again(false) : stranger()
  if (!(error instanceof HdfsRefusal)) {
    // Only the network has such codes: "ECONNREFUSED". Without one it is a bug of ours.
    if (codeOf(error) === undefined) throw error
    return again(true)
  }
  const meaning = meaningOf(error)
  switch (meaning) {
    case 'again':
      return again(false)
    case 'elsewhere':
      return again(true)
    case 'refused':
      return refused(false)
    case 'foreign':
      return refused(true)
    case 'stranger':
      return stranger()
    default:
      return { kind: meaning }
  }
}

function meaningOf({ status, exception, message }: HdfsRefusal): Meaning {
  if (exception === 'IOException' && message.includes('out of the range')) return 'beyond'
  if (exception === 'IOException' && message.includes('must both be directories')) {
    return 'refused'
  }
  // HttpFS: a range behind the end; and what a CONCAT says, without the exception's name.
  if (exception === 'EOFException' && message.startsWith('Premature EOF')) return 'beyond'
  if (exception === 'RemoteException' && message.startsWith('File does not exist')) return 'absent'
  if (exception === 'RemoteException' && /\bconcat\b/i.test(message)) return 'refused'
  // Whoever may not pass through a file is told so, where others are told that it is none.
  if (exception === 'AccessControlException' && message.includes('is not a directory')) {
    return 'absent'
  }
  const known = Object.hasOwn(meanings, exception) ? meanings[exception] : undefined
  if (known !== undefined) return known
  if (status === unauthorized) return 'stranger'
  const isError = status >= serverErrorsFrom
  // Of somebody else at this address; of a gate whose namenode is down.
  if (exception === '') return isError ? 'elsewhere' : 'foreign'
  return isError ? 'again' : 'refused'
}

function reasonOf(error: Error): string {
  if (!(error instanceof HdfsRefusal)) {
    const code = codeOf(error)
    return code === undefined || error.message.includes(code)
      ? error.message
      : `${code}: ${error.message}`
  }
  const { status, exception, message } = error
  const name = exception === '' ? 'no answer of WebHDFS' : exception
  return message === '' ? `${status} ${name}` : `${status} ${name}: ${message}`
}

/** The network's own name of what happened: "ECONNREFUSED". */
export function codeOf(error: Error): string | undefined {
  const value: unknown = Reflect.get(error, 'code')
  return typeof value === 'string' ? value : undefined
}

function remoteExceptionOf(body: Uint8Array): { exception: string; message: string } {
  const nothing = { exception: '', message: '' }
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(body).toString())
  } catch {
    return exceptionOfPage(body) ?? nothing
  }
  const remote = memberOf(read, 'RemoteException')
  const [exception, message] = [memberOf(remote, 'exception'), memberOf(remote, 'message')]
  return {
    exception: typeof exception === 'string' ? exception : '',
    message: typeof message === 'string' ? (message.split('\n')[0] ?? '').trim() : '',
  }
}

const pageTitle =
  /<title>Error \d+ (?:[a-z]+\.)+(?<exception>\w+Exception)(?:: (?<message>[^<\n]*))?<\/title>/

/** HttpFS says in a page of HTML what befalls it while it opens a file. */
function exceptionOfPage(body: Uint8Array): { exception: string; message: string } | undefined {
  const { exception, message = '' } = pageTitle.exec(Buffer.from(body).toString())?.groups ?? {}
  return exception === undefined ? undefined : { exception, message: message.trim() }
}

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

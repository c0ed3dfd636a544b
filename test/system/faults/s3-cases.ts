/** Every fault of an S3 store that a daemon is put through. */
import type { AskedRequest, HttpHarm } from '../services/http-fault-proxy.ts'
import type { FaultRow } from './fault-case.ts'
import type { S3World } from './s3-world.ts'

export interface S3FaultCase extends FaultRow {
  /** How often one request comes at least. */
  readonly tries: number
  /** After numbers 0 to 99 are in the lake, before 100 to 199 come. */
  readonly provoke: (world: S3World) => void | Promise<void>
  /** After the user was told, or after what tells him nothing has happened. */
  readonly heal?: (world: S3World) => void | Promise<void>
}

const isPart = ({ method, query }: AskedRequest): boolean =>
  method === 'PUT' && query.has('partNumber')
const isComplete = ({ method, query }: AskedRequest): boolean =>
  method === 'POST' && query.has('uploadId')

/** Does it to requests of a kind until it is healed. */
const harmed =
  (harm: HttpHarm, hurts: (asked: AskedRequest) => boolean = () => true) =>
  (world: S3World): void => {
    world.proxy.harm = (asked) => (hurts(asked) ? harm : 'none')
  }
/** To the first request of a kind. */
const harmedOnce =
  (harm: HttpHarm, hurts: (asked: AskedRequest) => boolean) =>
  (world: S3World): void => {
    let isDone = false
    world.proxy.harm = (asked) => {
      if (isDone || !hurts(asked)) return 'none'
      isDone = true
      return harm
    }
  }
const unharmed = (world: S3World): void => {
  world.proxy.harm = () => 'none'
}

const goesOn = 'when the store answers again; what was read waits in memory, then in Kafka'

export const s3Cases: readonly S3FaultCase[] = [
  {
    name: 'The store answers 500 to everything',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not … "…": 500 InternalError: told by the proxy',
    ends: goesOn,
    tries: 8,
    provoke: harmed({ status: 500, code: 'InternalError' }),
    heal: unharmed,
  },
  {
    name: 'The store is overloaded (503 SlowDown)',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not … "…": 503 SlowDown: told by the proxy',
    ends: goesOn,
    tries: 8,
    provoke: harmed({ status: 503, code: 'SlowDown' }),
    heal: unharmed,
  },
  {
    name: 'Connections are reset in the middle of an upload',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not stage "…": …',
    ends: 'when a part arrives whole; parts that did not are sent again',
    tries: 8,
    provoke: harmed('cut', isPart),
    heal: unharmed,
  },
  {
    name: 'The answer to CompleteMultipartUpload is lost',
    meanwhile: 'asked again; what stands is compared with what was staged',
    ends: 'by itself: the file stands once',
    tries: 2,
    provoke: harmedOnce('lose-answer', isComplete),
  },
  {
    name: 'A zombie completes our upload before we do',
    meanwhile: 'what stands is compared with what was staged',
    ends: 'by itself: the file stands once, whoever completed it',
    tries: 1,
    provoke: harmedOnce('twice', isComplete),
  },
  {
    name: 'The bucket is not there any more',
    code: 'LAKE_BUCKET_MISSING',
    told: 'there is no bucket "test-bucket-…" at "http://127.0.0.1:…"',
    ends: 'when the bucket is back with what it held',
    tries: 2,
    provoke: (world) => world.moveBucket('away'),
    heal: (world) => world.moveBucket('back'),
  },
  {
    name: 'Credentials expire in the middle of an upload',
    code: 'LAKE_CREDENTIALS_REFUSED',
    told:
      'could not stage "…" in bucket "test-bucket-…" as this user: ' +
      '400 ExpiredToken: told by the proxy',
    ends: 'when they are renewed; the upload is begun anew',
    tries: 2,
    provoke: harmed({ status: 400, code: 'ExpiredToken' }, isPart),
    heal: unharmed,
  },
  {
    name: 'The disk of the store is full',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not … "…": 500 InternalError: …',
    ends: 'when there is room',
    tries: 8,
    provoke: (world) => world.server.limitFiles(0),
    heal: (world) => world.server.limitFiles('unlimited'),
  },
]

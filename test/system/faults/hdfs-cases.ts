/** Every fault of HDFS that a daemon is put through on a real one. */
import { once } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import type { FaultRow } from './fault-case.ts'
import type { Asked, Harm, Refusal } from './hdfs-doors.ts'
import type { HdfsFaultWorld } from './hdfs-world.ts'

export interface HdfsFaultCase extends FaultRow {
  /** `file.mode` of the stream. */
  readonly mode?: 'continue'
  /** The configuration names two namenodes. */
  readonly both?: true
  /** Words of a line of the log that must come. */
  readonly logged?: string
  /** After numbers 0 to 99 are in the lake. Numbers that are produced here count. */
  readonly provoke: (world: HdfsFaultWorld) => Promise<void>
  /** After the user was told. */
  readonly heal: (world: HdfsFaultWorld) => Promise<void>
}

const produceSome = (world: HdfsFaultWorld): Promise<void> => world.produce(50)
const pass = async (world: HdfsFaultWorld): Promise<void> => {
  world.doors.judge = () => 'pass'
}

/** Hurts the first call that fits, and lets all others pass. @returns when that has happened. */
async function hurtOnce(
  world: HdfsFaultWorld,
  isMeant: (asked: Asked) => boolean,
  harm: Harm | ((asked: Asked) => Promise<Harm>),
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isDone = false
  world.doors.judge = async (asked) => {
    if (isDone || !isMeant(asked)) return 'pass'
    isDone = true
    const done = typeof harm === 'function' ? await harm(asked) : harm
    resolve()
    return done
  }
  await produceSome(world)
  await promise
}

/** Every call that fits is turned away until somebody heals. */
async function refuseAll(
  world: HdfsFaultWorld,
  isMeant: (asked: Asked) => boolean,
  refusal: Refusal,
): Promise<void> {
  world.doors.judge = (asked) => (isMeant(asked) ? refusal : 'pass')
  await produceSome(world)
}

const writing: ReadonlySet<string> = new Set(['CREATE', 'RENAME', 'CONCAT', 'MKDIRS', 'DELETE'])
/** The first step of CREATE checks nothing, in safe mode either. */
const isWrite = ({ door, op }: Asked): boolean =>
  writing.has(op) && (op !== 'CREATE' || door === 'datanode')
const isStage = ({ path }: Asked): boolean => path.endsWith('.staged')
const isCreateOf =
  (fits: (asked: Asked) => boolean) =>
  (asked: Asked): boolean =>
    asked.door === 'datanode' && asked.op === 'CREATE' && fits(asked)
const isPublish = ({ op, query }: Asked): boolean =>
  op === 'RENAME' && query.get('destination')?.endsWith('.parquet') === true

const standby: Refusal = {
  status: 403,
  exception: 'StandbyException',
  message: 'Operation category WRITE is not supported in state standby',
}

const writers = new WeakMap<HdfsFaultWorld, ClientRequest>()

/** Somebody who died while writing under this name: the namenode keeps it open for him. */
async function writeAndDie(world: HdfsFaultWorld, path: string): Promise<void> {
  const at = `http://${world.hdfs.address}/webhdfs/v1${encodeURI(path)}`
  const way = await fetch(`${at}?op=CREATE&noredirect=true&user.name=lakeward`, { method: 'PUT' })
  const { Location: location } = (await way.json()) as { Location: string }
  const sent = request(location, { method: 'PUT', headers: { 'content-length': 1_000_000 } })
  sent.on('error', () => {})
  writers.set(world, sent)
  sent.flushHeaders()
  await once(sent, 'continue')
  await new Promise((go) => sent.write(Buffer.alloc(70_000), go))
}

const quiet = { meanwhile: 'tried again' } as const
const folders = new WeakMap<HdfsFaultWorld, string>()

export const hdfsCases: readonly HdfsFaultCase[] = [
  {
    name: 'The active namenode becomes standby between CREATE and RENAME',
    ...quiet,
    ends: 'by itself: the other one of the list is asked at once',
    both: true,
    provoke: async (world) => {
      let active = 'namenode'
      const { promise, resolve } = Promise.withResolvers<void>()
      world.doors.judge = (asked) => {
        if (asked.door === 'datanode') return 'pass'
        if (isPublish(asked) && active === 'namenode') {
          active = 'other-namenode'
          resolve()
        }
        return asked.door === active ? 'pass' : standby
      }
      await produceSome(world)
      await promise
      await world.holds()
    },
    heal: pass,
  },
  {
    name: 'The namenode is in safe mode',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not … "…": 403 SafeModeException: …',
    ends: 'when safe mode is left',
    provoke: (world) =>
      refuseAll(world, isWrite, {
        status: 403,
        exception: 'SafeModeException',
        message: 'Cannot create file. Name node is in safe mode.',
      }),
    heal: pass,
  },
  {
    name: 'The quota of the lake’s folder is used up',
    code: 'LAKE_REFUSED',
    told: 'the lake refused to … "…": 403 NSQuotaExceededException: …',
    ends: 'when there is room; until then nothing is read further than memory allows',
    provoke: async (world) => {
      const status = await world.admin('PUT', '', 'SETQUOTA&namespacequota=1')
      if (status !== 200) throw new Error(`SETQUOTA: ${status}`)
      await produceSome(world)
    },
    heal: async (world) => {
      await world.admin('PUT', '', 'SETQUOTA&namespacequota=1000000')
    },
  },
  {
    name: 'Disks are full: no datanode takes a block',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not … "…": 403 IOException: … could only be written to 0 of the 1 …',
    ends: 'when a datanode has room',
    provoke: (world) =>
      refuseAll(
        world,
        isCreateOf(() => true),
        {
          status: 403,
          exception: 'IOException',
          message:
            'File /x could only be written to 0 of the 1 minReplication nodes. There are 1 ' +
            'datanode(s) running and 1 node(s) are excluded in this operation.',
        },
      ),
    heal: pass,
  },
  {
    name: 'The datanode is killed during CREATE',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not … "…": …',
    ends: 'when a datanode is back; the file is made again under another name',
    provoke: (world) =>
      hurtOnce(world, isCreateOf(isStage), async () => {
        await world.hdfs.kill('datanode')
        return 'pass'
      }),
    heal: (world) => world.hdfs.startAgain(),
  },
  {
    name: 'The datanode is killed between CREATE and CONCAT of a file that grows',
    code: 'LAKE_UNAVAILABLE',
    told: 'could not … "…": …',
    ends: 'the tail is joined without it; the next one is written when a datanode is back',
    mode: 'continue',
    provoke: async (world) => {
      await hurtOnce(
        world,
        ({ op }) => op === 'CONCAT',
        async () => {
          await world.hdfs.kill('datanode')
          return 'pass'
        },
      )
      await produceSome(world)
    },
    heal: (world) => world.hdfs.startAgain(),
  },
  {
    name: 'A dead writer still holds the name of a staged file',
    ...quiet,
    ends: 'by itself: the file is staged beside it and renamed over it; no lease is waited for',
    provoke: async (world) => {
      await hurtOnce(
        world,
        (asked) => asked.op === 'CREATE' && asked.door === 'namenode' && isStage(asked),
        async ({ path }) => {
          await writeAndDie(world, path)
          return 'pass'
        },
      )
      await world.holds()
    },
    heal: async (world) => {
      writers.get(world)?.destroy()
    },
  },
  {
    name: 'A folder stands where a file is to be published',
    code: 'LAKE_REFUSED',
    told: 'the lake refused to publish "…": 403 IOException: … must both be directories',
    ends: 'when the folder is gone; nothing is ever moved into it, and other files go on',
    provoke: (world) =>
      hurtOnce(world, isPublish, async ({ query }) => {
        const folder = (query.get('destination') ?? '').slice(world.below.length)
        folders.set(world, folder)
        await world.admin('PUT', folder, 'MKDIRS')
        return 'pass'
      }),
    heal: async (world) => {
      await world.admin('DELETE', folders.get(world) ?? '/none', 'DELETE')
    },
  },
  {
    name: 'A file is cut half-way, and the datanode closes it as if it were whole',
    ...quiet,
    ends: 'by itself: its length is looked at before it counts',
    provoke: async (world) => {
      await hurtOnce(world, isCreateOf(isStage), 'cut-half')
      await world.holds()
    },
    heal: pass,
  },
  {
    name: 'The second step of CREATE hangs, for the datanode finds no active namenode',
    ...quiet,
    ends: 'by itself: it is given up after 30 s and made again under another name',
    provoke: async (world) => {
      await hurtOnce(world, isCreateOf(isStage), 'hang')
      await world.holds()
    },
    heal: pass,
  },
  {
    name: 'Permission to write is taken away',
    code: 'LAKE_REFUSED',
    told: 'the lake refused to … "…": 403 AccessControlException: …',
    ends: 'when it is back; until then files of this table are kept in the spill area',
    provoke: async (world) => {
      const status = await world.admin(
        'PUT',
        '/numbers/_staging/test',
        'SETPERMISSION&permission=555',
      )
      if (status !== 200) throw new Error(`SETPERMISSION: ${status}`)
      await produceSome(world)
    },
    heal: async (world) => {
      await world.admin('PUT', '/numbers/_staging/test', 'SETPERMISSION&permission=755')
    },
  },
  {
    name: 'The cluster does not believe who we say that we are',
    code: 'LAKE_USER_REFUSED',
    told: 'could not … "…" on "127.0.0.1:…" as user "lakeward": 401 AuthenticationException: …',
    ends: 'when it does again; with another user, at the next start',
    provoke: (world) =>
      refuseAll(world, ({ door }) => door !== 'datanode', {
        status: 401,
        exception: 'AuthenticationException',
        message: 'Authentication required',
      }),
    heal: pass,
  },
  {
    name: 'A datanode is slow',
    ...quiet,
    logged: '"event":"hdfs slow"',
    ends: 'by itself: calls of more than 5 s are logged as `hdfs slow`; the next minute is read on',
    provoke: async (world) => {
      world.doors.slowDatanode(6_000)
      await produceSome(world)
      await world.holds()
    },
    heal: async (world) => world.doors.slowDatanode(0),
  },
  {
    name: 'The answer to CREATE is lost',
    ...quiet,
    ends: 'by itself: the file is made again under another name, and the first one removed',
    provoke: async (world) => {
      await hurtOnce(world, isCreateOf(isStage), 'lose-answer')
      await world.holds()
    },
    heal: pass,
  },
  {
    name: 'The answer to RENAME is lost',
    ...quiet,
    ends: 'by itself: what stands is looked at',
    provoke: async (world) => {
      await hurtOnce(world, isPublish, 'lose-answer')
      await world.holds()
    },
    heal: pass,
  },
  {
    name: 'The answer to CONCAT is lost',
    ...quiet,
    ends: 'by itself: the file’s length tells whether the tail was joined',
    mode: 'continue',
    provoke: async (world) => {
      await hurtOnce(world, ({ op }) => op === 'CONCAT', 'lose-answer')
      await world.holds()
    },
    heal: pass,
  },
]

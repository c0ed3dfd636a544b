/** The lake contract on two namenodes, and a fail-over between the steps of commits. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isFault } from '../../src/base/fault.ts'
import type { Lake } from '../../src/ports/lake.ts'
import { lakeContract } from '../contract/lake.ts'
import { tailsContract } from '../contract/tails.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'

const nodes = ['namenode', 'namenode-2'] as const
const folder = 'events/dt=2026-11-20/hour=13'

describe.skipIf(!wantsHdfs('hdfs-ha'))('HDFS with two namenodes as a lake', () => {
  let hdfs: RealHdfs
  let namenodes: readonly string[]
  beforeAll(async () => {
    hdfs = await RealHdfs.start('hdfs-ha')
    namenodes = hdfs.address.split(',')
  })
  afterAll(() => hdfs?.close())

  const open = async () => {
    const settings = hdfsSettings(namenodes, hdfs.newFolder())
    const another = () => openTestHdfsLake(settings)
    return { lake: another(), another, close: async () => {} }
  }

  lakeContract('two namenodes', open)
  tailsContract('two namenodes', open)

  /** @returns "active", "standby"; undefined where nobody answers. */
  async function stateOf(namenode: string | undefined): Promise<string | undefined> {
    const query = 'qry=Hadoop:service=NameNode,name=NameNodeStatus'
    const answer = await fetch(`http://${namenode}/jmx?${query}`).catch(() => undefined)
    return /"State"\s*:\s*"(\w+)"/.exec((await answer?.text()) ?? '')?.[1]
  }

  async function killActive(): Promise<void> {
    const states = await Promise.all(namenodes.map(stateOf))
    const active = states.indexOf('active')
    expect(states.filter((state) => state === 'active')).toHaveLength(1)
    await hdfs.kill(nodes[active] ?? '')
  }

  test('the standby is asked in vain, and left', async () => {
    const states = await Promise.all(namenodes.map(stateOf))
    expect(new Set(states)).toEqual(new Set(['active', 'standby']))
    const standby = namenodes.filter((_, index) => states[index] === 'standby')
    const both = [...standby, ...namenodes.filter((each) => !standby.includes(each))]
    const lake = openTestHdfsLake(hdfsSettings(both, hdfs.newFolder()))
    await lake.put('x', Buffer.from('by the active one'))
    expect(Buffer.from((await lake.read('x')) ?? []).toString()).toBe('by the active one')
    const alone = openTestHdfsLake(hdfsSettings(standby, hdfs.newFolder()))
    await expect(alone.stat('x')).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { reason: expect.stringContaining('StandbyException') },
    })
  })

  /** As the committer does: what is not answered is asked again, for as long as it takes. */
  async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await call()
      } catch (error) {
        if (!isFault(error, 'LAKE_UNAVAILABLE') || tried === 20) throw error
        await sleep(1_000)
      }
    }
  }

  const steps = ['stage', 'decide', 'publish', 'grow', 'join'] as const

  /** Kills the active namenode while one of its steps is under way. */
  async function commit(lake: Lake, n: number, killedIn: (typeof steps)[number]): Promise<void> {
    const path = `${folder}/growth-${n}.parquet`
    const place = { path, stagedPath: `events/_staging/${n}/0.staged` }
    const tail = { path, stagedPath: `${folder}/.tail-${n}-0` }
    const rows = Buffer.alloc(300_000, `rows of ${n};`)
    let stagedPath = ''
    const deeds: Record<(typeof steps)[number], () => Promise<unknown>> = {
      stage: async () => void (await lake.stage({ ...place, chunks: [rows] })),
      decide: () => lake.putIfAbsent(`log/${n}`, Buffer.from(`entry ${n}`)),
      publish: () => lake.publish({ ...place, sizeBytes: rows.length }),
      grow: async () => {
        stagedPath = await lake.stage({ ...tail, chunks: [rows] })
      },
      join: async () => {
        const lengths = { baseBytes: rows.length, sizeBytes: 2 * rows.length }
        return lake.tails?.join({ path, stagedPath, ...lengths })
      },
    }
    for (const step of steps) {
      const killing = step === killedIn ? killActive() : undefined
      const came = await untilAnswered(deeds[step])
      await killing
      if (came === undefined) continue
      expect((came as { kind: string }).kind, `${step} of ${n}`).toMatch(
        /^(created|already-exists|published|already-published)$/,
      )
    }
  }

  test('a fail-over in any step of a commit loses nothing and doubles nothing', async () => {
    const settings = hdfsSettings(namenodes, hdfs.newFolder())
    const lake = openTestHdfsLake(settings)
    for (const [index, step] of steps.entries()) {
      await commit(lake, index + 1, step)
      await hdfs.startAgain()
    }
    const other = openTestHdfsLake(settings)
    const standing = [...(await other.list('log')), ...(await other.list('events'))]
    const count = steps.length
    expect(standing.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ...steps.map((_, index) => [`log/${index + 1}`, 7]),
      ...steps.map((_, index) => [`${folder}/growth-${index + 1}.parquet`, 600_000]),
    ])
    for (let n = 1; n <= count; n++) {
      const rows = Buffer.alloc(300_000, `rows of ${n};`)
      const body = Buffer.from((await other.read(`${folder}/growth-${n}.parquet`)) ?? [])
      expect(body.equals(Buffer.concat([rows, rows])), `${n}`).toBe(true)
    }
  })
})

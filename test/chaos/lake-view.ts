/** What stands on the lake of a chaos run, past all of lakeward's code but the log's reader. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import type { Lake } from '../../src/ports/lake.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'

export interface LakeView {
  /** Of the log, for reading. */
  readonly lake: Lake
  /** Of what lies in a folder, hidden names too; none where there is no folder. */
  readonly names: (folder: string) => Promise<readonly string[]>
  /** Bytes of a file; undefined where none stands. */
  readonly sizeOf: (path: string) => Promise<number | undefined>
  /** Empty where none stands. */
  readonly textOf: (path: string) => Promise<string>
}

/** A folder, or a bucket of a server that keeps each object as a file. */
export function viewOfFolder(root: string): LakeView {
  const orElse = async <T>(act: () => T, otherwise: T): Promise<T> => {
    try {
      return act()
    } catch {
      // Other workers go on while one is looked at: what they staged may be gone by now.
      return otherwise
    }
  }
  return {
    lake: new LocalLake(`file:${root}`),
    names: (folder) => orElse(() => readdirSync(join(root, folder)), []),
    sizeOf: (path) => orElse(() => statSync(join(root, path)).size, undefined),
    textOf: (path) => orElse(() => readFileSync(join(root, path), 'utf8'), ''),
  }
}

interface Status {
  readonly pathSuffix: string
  readonly length: number
}

/** @param address of the namenode. @param folder of the lake: "/lakeward/lake". */
export function viewOfHdfs(address: string, folder: string): LakeView {
  const lake = openTestHdfsLake(hdfsSettings([address], folder))
  const asked = async (path: string, operation: string): Promise<unknown> => {
    const place = encodeURI(`${folder}/${path}`)
    const url = `http://${address}/webhdfs/v1${place}?op=${operation}&user.name=lakeward`
    const answer = await fetch(url)
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw new Error(`${url}: ${await answer.text()}`)
    return answer.json()
  }
  return {
    lake,
    names: async (path) => {
      const told = (await asked(path, 'LISTSTATUS')) as
        | { FileStatuses: { FileStatus: Status[] } }
        | undefined
      return (told?.FileStatuses.FileStatus ?? []).map(({ pathSuffix }) => pathSuffix)
    },
    sizeOf: async (path) => {
      const told = (await asked(path, 'GETFILESTATUS')) as { FileStatus: Status } | undefined
      return told?.FileStatus.length
    },
    textOf: async (path) => Buffer.from((await lake.read(path)) ?? []).toString(),
  }
}

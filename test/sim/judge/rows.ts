/** Every row and letter that the lake holds, by the event it is of. */
import { partitionsEver } from './fold-state.ts'
import type { JudgedLog } from './log.ts'
import { rowsOf } from './parquet-rows.ts'

export const lettersName = '_dead_letters'

export interface Rows {
  /** Tables that hold an event, by its identity. */
  readonly placesOf: ReadonlyMap<string, readonly Place[]>
}

/** Where an event was found: in a table's partition, or among the dead letters for a reason. */
export interface Place {
  readonly table: string
  readonly partitionPath: string
  readonly n: bigint | undefined
  readonly reason: string | undefined
}

/** Before the name of a stream whose late rows lie in a table beside. */
export const lateBegin = '_late.'

export const idOf = (at: { partition: number; offset: bigint; index: number }): string =>
  `${at.partition}/${at.offset}/${at.index}`

interface Stored {
  readonly body: Uint8Array
}

interface Store extends ReadonlyMap<string, Stored> {
  /** What went for good, by path. */
  readonly lost: ReadonlyMap<string, Stored>
}

export async function readAll(store: Store, log: JudgedLog): Promise<Rows> {
  const placesOf = new Map<string, Place[]>()
  for (const { name, folded } of [...partitionsEver(log.state), ...givenUp(log)]) {
    for (const { path, stagedPath } of folded.files) {
      const bytes = (store.get(path) ?? store.lost.get(stagedPath))?.body
      if (bytes === undefined) continue
      for (const row of await rowsOf(bytes)) {
        const isLetter = name === lettersName
        const isDiverted = name.startsWith(lateBegin)
        const id = isLetter ? row : { ...row, ...identityOf(row) }
        const key = idOf(id as Parameters<typeof idOf>[0])
        const places = placesOf.get(key) ?? []
        placesOf.set(key, places)
        places.push({
          table: name,
          partitionPath: folded.partition.path,
          n: row['n'] as bigint | undefined,
          reason: isLetter ? String(row['reason']) : isDiverted ? 'late' : undefined,
        })
      }
    }
  }
  return { placesOf }
}

/** What was lost with an operator's word was read, and stood there: it is counted. */
const givenUp = ({ givenUpFiles }: JudgedLog) =>
  givenUpFiles.map(({ file, partition }) => ({
    name: file.stream,
    folded: { partition, files: [file] },
  }))

const identityOf = (row: Readonly<Record<string, unknown>>) => ({
  partition: row['_partition'],
  offset: row['_offset'],
  index: row['_index'],
})

/** What must hold in every world in which files grow. */
import type { DataFile } from '../../src/model/data-file.ts'
import type { GrowingWorld } from './growing.ts'
import { type Fold, partitionIn, rootIn } from './growing-log.ts'

/** The first promise that is broken. */
export function growingWrong(world: GrowingWorld, fold: Fold): string | undefined {
  const partition = partitionIn(fold.state)
  const seen: number[] = []
  for (const file of partition?.files ?? []) {
    const root = rootIn(file)
    const decided = fold.piecesOf.get(root) ?? []
    seen.push(...decided.flatMap((one) => world.pieces[one]?.holds ?? []))
    const wrong = contentWrong(world, file, decided)
    if (wrong !== undefined) return wrong
  }
  const rows = seen.map((piece) => world.pieces[piece]?.row ?? -1).sort((a, b) => a - b)
  for (let row = 0; row < fold.next; row++) {
    if (!rows.includes(row)) return `LOST: record ${row} is committed, and lies nowhere`
  }
  if (rows.length > fold.next) return 'DOUBLED: a record lies in two places'
  for (const { path, rows: told } of partition?.manifest?.files ?? []) {
    const root = rootIn({ path })
    const length = (world.content[root] ?? []).flatMap(
      (one) => world.pieces[one]?.holds ?? [],
    ).length
    if (length !== told)
      return `ANNOUNCED: file ${root} was told with ${told} rows, it has ${length}`
  }
  return undefined
}

/** In a file lie the pieces that were decided of it, in their order; those to come are staged. */
function contentWrong(
  world: GrowingWorld,
  file: DataFile,
  decided: readonly number[],
): string | undefined {
  const root = rootIn(file)
  const found = world.content[root] ?? []
  const isPrefix = found.every((piece, at) => decided[at] === piece)
  if (!isPrefix) return `CONTENT: file ${root} holds ${found.join(' ')}, not ${decided.join(' ')}`
  const gone = decided.slice(found.length).find((piece) => !world.staged.includes(piece))
  return gone === undefined ? undefined : `LOST: piece ${gone} was decided and is gone`
}

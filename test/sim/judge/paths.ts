/** Names on the lake as docs/protocol.md tells them, and hours as partitions name them. */

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0')

export const entryAt = (pipeline: string, index: number): string =>
  `_lakeward/${pipeline}/log/${padded(Math.floor(index / 10_000), 8)}/${padded(index, 20)}.json`

/** @returns how many entries a checkpoint is over; undefined for what is none. */
export function checkpointNext(path: string): { next: number; checksum16: string } | undefined {
  const [, next, checksum16] =
    /\/checkpoints\/(\d{20})-([0-9a-f]{16})\.jsonl\.zst$/.exec(path) ?? []
  return next === undefined || checksum16 === undefined
    ? undefined
    : { next: Number(next), checksum16 }
}

export const manifestAt = (
  pipeline: string,
  {
    stream,
    partitionPath,
    revision,
  }: {
    readonly stream: string
    readonly partitionPath: string
    readonly revision: number
  },
): string => `_lakeward/${pipeline}/ready/${stream}/${partitionPath}/${revision}.json`

const hourMs = 3_600_000

/** The hour of a moment, by UTC: its folder, and where it ends. */
export function hourOf(eventMs: number): { readonly path: string; readonly nextMs: number } {
  const startMs = Math.floor(eventMs / hourMs) * hourMs
  const [date, time = ''] = new Date(startMs).toISOString().split('T')
  return { path: `dt=${date}/hour=${time.slice(0, 2)}`, nextMs: startMs + hourMs }
}

/** Where the hour of such a folder ends. */
export function hourEnd(partitionPath: string): number {
  const [, date, hour] = /^dt=([\d-]+)\/hour=(\d+)$/.exec(partitionPath) ?? []
  return Date.parse(`${date}T${hour}:00:00Z`) + hourMs
}

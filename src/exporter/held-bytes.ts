import type { StreamWriter } from './stream-writer.ts'

export interface HeldBytes {
  /** Of open and sealed files, by stream. */
  readonly byStream: ReadonlyMap<string, number>
  /** Of them, the kernel's. */
  readonly builders: number
  /** Of these, what the file of each stream has that has most: of an hour, where hours turn. */
  readonly fullest: number
}

/**
 * What the writers of all streams hold, added up anew only after one of them has changed: there may
 * be thousands, memory is asked about with each load, and most loads only wait.
 */
export class HeldBytesOfWriters {
  readonly #streams: readonly StreamWriter[]
  #known: HeldBytes | undefined

  constructor(streams: readonly StreamWriter[]) {
    this.#streams = streams
  }

  get sums(): HeldBytes {
    this.#known ??= this.#addUp()
    return this.#known
  }

  /** To be called after whatever changes what a writer holds, and which writers there are. */
  onChange(): void {
    this.#known = undefined
  }

  #addUp(): HeldBytes {
    const byStream = new Map<string, number>()
    let [builders, fullest] = [0, 0]
    for (const stream of this.#streams) {
      const { stream: name } = stream.stream
      let [bytes, most] = [byStream.get(name) ?? 0, 0]
      for (const writer of stream.writers()) {
        bytes += writer.bufferedBytes
        const { builderBytes } = writer
        builders += builderBytes
        most = Math.max(most, builderBytes)
      }
      fullest += most
      byStream.set(name, bytes)
    }
    return { byStream, builders, fullest }
  }
}

import { present } from '../base/assert.ts'
import { settled } from '../model/event-load.ts'
import type { EventTable } from '../model/event-table.ts'
import type { PartitionWriter } from './partition-writer.ts'

/** Which writer takes each event of the load under way: found once, needed several times. */
export class LoadWriters {
  /** Those of the commit that accumulates; a writer's number is its place. */
  #writers: PartitionWriter[] = []
  /** By event, and of each writer how many events there are. */
  #numberOf = new Int32Array(0)
  #eventsOf = new Int32Array(0)

  /** Numbers of the writers, by event; of events that are settled there is anything. */
  get numbers(): Int32Array {
    return this.#numberOf
  }

  begin({ count, capacity }: EventTable): void {
    if (this.#numberOf.length < count) this.#numberOf = new Int32Array(capacity)
  }

  set(event: number, writer: PartitionWriter): void {
    if (writer.number < 0) writer.number = this.#writers.push(writer) - 1
    this.#numberOf[event] = writer.number
  }

  of(event: number): PartitionWriter {
    return this.numbered(this.#numberOf[event] ?? -1)
  }

  numbered(number: number): PartitionWriter {
    return present(this.#writers[number], 'a routed event has a writer')
  }

  /** Whether there are fewer events than so many for each of their writers. */
  areScattered(events: EventTable, eventsMin: number): boolean {
    const { length } = this.#writers
    if (this.#eventsOf.length < length) this.#eventsOf = new Int32Array(2 * length)
    const eventsOf = this.#eventsOf.fill(0, 0, length)
    let eventCount = 0
    let writerCount = 0
    for (let event = 0; event < events.count; event++) {
      if (events.stream[event] === settled) continue
      const writer = this.#numberOf[event] ?? 0
      const before = eventsOf[writer] ?? 0
      if (before === 0) writerCount += 1
      eventsOf[writer] = before + 1
      eventCount += 1
    }
    return eventCount < writerCount * eventsMin
  }

  /** The next commit has writers of its own. */
  forget(): void {
    this.#writers = []
  }
}

/**
 * A reader of one table that looks again and again until it is ended, and keeps what was wrong.
 *
 * - A look during which somebody does not answer is none, and counted apart.
 * - No record is found twice, and what one look has found is in the next one too.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const pauseMs = 20
const wrongKeptMax = 20

/** What one look found. */
export interface Seen {
  readonly rows: number
  /** Different ones among them; undefined where the reader cannot tell. */
  readonly records: number | undefined
}

/** Somebody was down, or went down meanwhile: the look says nothing of what stands. */
export class NoAnswer extends Error {}

export class ReaderLoop {
  readonly name: string
  readonly #look: () => Promise<Seen>
  readonly #ended: Promise<void>
  #isEnding = false
  #rows = 0
  /** That came to an end. */
  looks = 0
  unanswered = 0
  /** What looks found wrong, the first of them. */
  readonly wrong: string[] = []

  /** Begins at once. */
  constructor(name: string, look: () => Promise<Seen>) {
    this.name = name
    this.#look = look
    this.#ended = this.#lookOn()
  }

  /** Rows at the last look; undefined until there are as many. */
  sees(rows: number): number | undefined {
    return this.#rows >= rows ? this.#rows : undefined
  }

  /** Ends when the look that is under way has ended. */
  async close(): Promise<void> {
    this.#isEnding = true
    await this.#ended
  }

  async #lookOn(): Promise<void> {
    while (!this.#isEnding) {
      try {
        this.#judge(await this.#look())
        this.looks++
      } catch (error) {
        if (error instanceof NoAnswer) this.unanswered++
        else this.#keep(error instanceof Error ? error.message : String(error))
      }
      await sleep(pauseMs)
    }
  }

  #judge({ rows, records = rows }: Seen): void {
    if (records !== rows) this.#keep(`${rows} rows of ${records} records`)
    if (rows < this.#rows) this.#keep(`${rows} rows after ${this.#rows}`)
    this.#rows = rows
  }

  #keep(text: string): void {
    if (this.wrong.length < wrongKeptMax) this.wrong.push(`${this.name}: ${text}`)
  }
}

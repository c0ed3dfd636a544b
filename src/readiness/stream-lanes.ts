/** What is to be done for one stream, in order. */
export interface LaneJob {
  readonly stream: string
  /** The last call for it failed: it may hang again. */
  readonly isSuspect: boolean
  readonly run: () => Promise<void>
}

/** Streams that are served at the same time. */
const jobsAtOnceMax = 8

/**
 * Jobs of streams beside each other, one a stream at a time: who hangs holds up its own stream.
 *
 * Of those that wait, the stream that was served longest ago comes first, so that one with much to
 * do shares with the others.
 */
export class StreamLanes {
  /** By stream, of those under way. */
  readonly #underWay = new Map<string, { readonly isSuspect: boolean; ended: Promise<void> }>()
  #waiting: readonly LaneJob[] = []
  /** By stream; counts all that was begun. */
  readonly #begunAt = new Map<string, number>()
  #begunCount = 0
  readonly #onIdle: () => void
  readonly #atOnceMax: number
  #trouble: { readonly error: unknown } | undefined

  /**
   * @param onIdle a job has ended, and none waits that could begin.
   * @param atOnceMax jobs, where fewer are wanted than otherwise.
   */
  constructor(onIdle: () => void, atOnceMax = jobsAtOnceMax) {
    this.#onIdle = onIdle
    this.#atOnceMax = Math.min(atOnceMax, jobsAtOnceMax)
  }

  isBusy(stream: string): boolean {
    return this.#underWay.has(stream)
  }

  /** Whether a job could begin at once. */
  hasRoom({ stream, isSuspect }: Pick<LaneJob, 'stream' | 'isSuspect'>): boolean {
    if (this.isBusy(stream) || this.#underWay.size >= this.#atOnceMax) return false
    if (!isSuspect) return true
    const suspects = [...this.#underWay.values()].filter((at) => at.isSuspect)
    // The others leave room for streams that are well.
    return suspects.length < Math.max(1, this.#atOnceMax >> 1)
  }

  /** Begins what there is room for; the rest waits. What waited before is forgotten. */
  offer(jobs: readonly LaneJob[]): void {
    const servedAt = (stream: string): number => this.#begunAt.get(stream) ?? 0
    this.#waiting = jobs.toSorted((a, b) => servedAt(a.stream) - servedAt(b.stream))
    this.#beginWaiting()
  }

  /** Forgets when streams were served of which nothing waits. */
  keep(streams: ReadonlySet<string>): void {
    for (const stream of this.#begunAt.keys()) {
      if (!streams.has(stream)) this.#begunAt.delete(stream)
    }
  }

  /** Nothing begins any more once a job threw. @throws what it threw. */
  rethrow(): void {
    if (this.#trouble !== undefined) throw this.#trouble.error
  }

  /** Begins nothing more, and waits for what is under way. */
  async end(): Promise<void> {
    this.#waiting = []
    await Promise.all([...this.#underWay.values()].map(({ ended }) => ended))
  }

  #beginWaiting(): void {
    if (this.#trouble !== undefined) return
    const left: LaneJob[] = []
    for (const job of this.#waiting) {
      if (this.hasRoom(job)) this.#begin(job)
      else left.push(job)
    }
    this.#waiting = left
  }

  #begin({ stream, isSuspect, run }: LaneJob): void {
    this.#begunAt.set(stream, ++this.#begunCount)
    const lane = { isSuspect, ended: Promise.resolve() }
    this.#underWay.set(stream, lane)
    lane.ended = run()
      .catch((error: unknown) => {
        this.#trouble ??= { error }
      })
      .then(() => {
        this.#underWay.delete(stream)
        const before = this.#begunCount
        this.#beginWaiting()
        if (this.#begunCount === before) this.#onIdle()
      })
  }
}

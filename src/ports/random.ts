/** Chance. Behind a port so that a simulation can replay it. */
export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Uint8Array
  /** A number in [0, 1), for jitter. */
  fraction(): number
}

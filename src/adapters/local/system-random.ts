import { randomBytes } from 'node:crypto'
import type { Random } from '../../ports/random.ts'

/** Chance from the operating system. */
export class SystemRandom implements Random {
  bytes(count: number): Uint8Array {
    return randomBytes(count)
  }

  fraction(): number {
    return Math.random()
  }
}

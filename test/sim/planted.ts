/** Bugs planted into the sources, each of which the simulation must find. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { home, type SearchOutcome, withCopy } from './patched.ts'

const folder = join(home, 'test/sim/planted')

/** Paths of all planted bugs, sorted. */
export const plantedPatches = (): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => join(folder, name))

export interface PlantedResult {
  readonly name: string
  readonly outcome: SearchOutcome
}

const atOnceMax = 2

/** Searches for each, two at a time. @param onResult told as they come. */
export async function searchPlanted(
  patches: readonly string[],
  count: number,
  onResult: (result: PlantedResult) => void,
): Promise<void> {
  const next = patches.values()
  const worker = async (): Promise<void> => {
    await withCopy(async (search) => {
      for (const patch of next) {
        onResult({ name: nameOf(patch), outcome: await search({ patch, first: 1, count }) })
      }
    })
  }
  await Promise.all(Array.from({ length: atOnceMax }, worker))
}

export const nameOf = (patch: string): string => patch.replace(/^.*\//, '').replace(/\.patch$/, '')

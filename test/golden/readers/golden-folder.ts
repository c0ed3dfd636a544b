/** The golden files in a folder, and what a reader makes of them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openKernel } from '../../support/kernel-tables.ts'
import { features } from '../features/all.ts'
import { type Feature, featureFile } from '../features/feature.ts'
import type { Reader } from './readers.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** Writes all golden files. @returns the path of each. */
export function writeGoldenFiles(folder: string): ReadonlyMap<Feature, string> {
  const kernel = openKernel()
  return new Map(
    features.map((feature) => {
      const path = join(folder, `${feature.name}.parquet`)
      writeFileSync(path, featureFile(kernel, feature))
      return [feature, path]
    }),
  )
}

export interface Judgement {
  readonly version: string
  /** By the name of the feature. */
  readonly verdicts: Readonly<Record<string, Verdict>>
}

/** @throws {Error} the reader ends without an answer to every file. */
export async function judgementOf(
  reader: Reader,
  files: ReadonlyMap<Feature, string>,
): Promise<Judgement> {
  const { version, answers } = await reader.ask(files)
  const verdicts = [...files.keys()].map((feature) => {
    const answer = answers.find(({ name }) => name === feature.name)
    if (answer === undefined) throw new Error(`${reader.id} said nothing of ${feature.name}`)
    return [feature.name, verdictOf(feature, answer, reader.hasText)] as const
  })
  return { version, verdicts: Object.fromEntries(verdicts) }
}

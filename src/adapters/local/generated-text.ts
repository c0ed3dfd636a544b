/** Writes files that are made from the source, into the working folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isAbsent } from './file-errors.ts'

/**
 * Writes a text where it is not there already.
 * @returns false when the file holds this text.
 */
export async function writeGeneratedText(path: string, text: string): Promise<boolean> {
  if ((await readIfThere(path)) === text) return false
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return true
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

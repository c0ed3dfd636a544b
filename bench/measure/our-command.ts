/** How our command starts Node.js: what is measured runs as what is installed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The command's script. */
export const ourScript = join(import.meta.dirname, '..', '..', 'bin', 'lakeward.js')

/** Flags of Node.js in the first line of the command's script. */
export const ourNodeFlags: readonly string[] = flagsIn(readFileSync(ourScript, 'utf8'))

function flagsIn(script: string): readonly string[] {
  const words = script.slice(0, script.indexOf('\n')).split(' ')
  const flags = words.slice(words.indexOf('node') + 1)
  const strange = flags.find((word) => !word.startsWith('--'))
  if (words[0]?.startsWith('#!') !== true || strange !== undefined) {
    throw new Error(`the first line of "${ourScript}" starts no Node.js: "${words.join(' ')}"`)
  }
  return flags
}

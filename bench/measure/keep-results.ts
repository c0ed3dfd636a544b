import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitText, loadText, machineText, thisMachine } from './machine.ts'

/** Appends a section to `bench/results/SUBJECT.md`. @param about what the file holds, in prose. */
export function keepResults(subject: string, about: string, lines: readonly string[]): void {
  const path = join(import.meta.dirname, '..', 'results', `${subject}.md`)
  if (!existsSync(path)) writeFileSync(path, `# bench ${subject}\n\n${about}\n`)
  const moment = new Date().toISOString().slice(0, 16).replace('T', ' ')
  const head = [
    `## ${moment} UTC · commit ${commitText()}`,
    `Machine: ${machineText(thisMachine())}; load after the run ${loadText()}.`,
  ]
  appendFileSync(path, `\n${[...head, ...lines].join('\n')}\n`)
}

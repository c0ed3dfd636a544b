/** Keeps what a chaos run has shown in `bench/results/chaos.md`. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { loadText, machineText, thisMachine } from '../../bench/measure/machine.ts'
import { hitsOf, type Sums } from './sums.ts'

const path = new URL('../../bench/results/chaos.md', import.meta.url).pathname

const title = `# chaos

Appended by \`npm run chaos -- --record\`: workers, broker and lake of real processes, hit in every phase of a commit;
DuckDB and the manifests judge what is on the lake.
`

const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

export function appendRecord(sums: Sums, troubles: readonly string[]): void {
  if (!existsSync(path)) writeFileSync(path, title)
  const { run, blows, events, announced, discarded, lost, doubled, earlyReady, seconds } = sums
  const { phases, kinds } = hitsOf(sums)
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ')
  const perKill = (seconds / Math.max(1, blows.length)).toFixed(1)
  appendFileSync(
    path,
    `
## ${date} UTC · commit ${run.commit}
Machine: ${machineText(thisMachine())}; load after the run ${loadText()}.
${run.workers} workers, assignment ${run.assignment}, seed ${run.seed}, ${sums.rounds} lakes,
broker ${run.broker}, lake ${run.lake}, file.mode ${run.fileMode},
8 partitions, 5 streams, commit interval 250 ms.
- ${blows.length} kills: ${counted(kinds)}; ${seconds.toFixed(0)} s, ${perKill} s a kill
- phases: ${counted(phases)}
- ${events} events, ${announced} announcements, ${discarded} attempts discarded
- **lost ${lost}, doubled ${doubled}, early announcements ${earlyReady}**
Observation: ${troubles.length === 0 ? 'nothing else went wrong' : troubles.join('; ')}.
`,
  )
}

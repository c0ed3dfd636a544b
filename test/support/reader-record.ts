/** Keeps what readers saw while crashes were many in `bench/results/hdfs-readers.md`. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { commitText, loadText, machineText, thisMachine } from '../../bench/measure/machine.ts'
import type { ReaderLoop } from './reader-loop.ts'

const path = new URL('../../bench/results/hdfs-readers.md', import.meta.url).pathname

const title = `# Readers of files that grow

Appended by \`test/system/hdfs-readers.test.ts\` where \`LAKEWARD_COMMITS\` tells how many: a daemon with
\`file.mode: continue\` on a real HDFS, SIGKILL of it or of the datanode with each ten commits, and
readers that look all the while. A look that somebody did not answer is none.
`

interface ReaderRun {
  readonly commitCount: number
  readonly daemonKills: number
  readonly datanodeKills: number
  /** Rows at the end. */
  readonly rows: number
  readonly fileCount: number
  readonly seconds: number
  readonly readers: readonly ReaderLoop[]
}

export function recordReaders(run: ReaderRun): void {
  if (!existsSync(path)) writeFileSync(path, title)
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ')
  const wrong = run.readers.flatMap((reader) => reader.wrong)
  const lines = run.readers.map(
    ({ name, looks, unanswered, wrong: own }) =>
      `- ${name}: ${looks} looks, ${unanswered} not answered, **${own.length} wrong**`,
  )
  appendFileSync(
    path,
    `
## ${date} UTC · commit ${commitText()}
Machine: ${machineText(thisMachine())}; load after the run ${loadText()}.
${run.commitCount} commits, ${run.seconds.toFixed(0)} s;
SIGKILLs: ${run.daemonKills} of the daemon, ${run.datanodeKills} of the datanode;
${run.rows} rows in ${run.fileCount} files.
${lines.join('\n')}
Observation: ${wrong.length === 0 ? 'nothing was wrong' : wrong.join('; ')}.
`,
  )
}

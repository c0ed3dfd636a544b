/** The example for schedulers, with a job of a shell's own words. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'

interface ScheduledJob {
  /** Path of the configuration. */
  readonly config: string
  readonly stream: string
  /** As people write it: "2026-11-20T07". */
  readonly partition: string
  /** As the configuration writes it: "50ms". */
  readonly timeout: string
  /** What the shell runs. */
  readonly job: string
}

export interface JobEnded {
  readonly code: number
  readonly stdout: string
}

/** Runs it to its end. */
export function scheduledJob(scheduled: ScheduledJob): Promise<JobEnded> {
  const { config, stream, partition, timeout, job } = scheduled
  const lakeward = `${process.execPath} ${join(process.cwd(), 'bin/lakeward.js')}`
  const env = { ...process.env, LAKEWARD: lakeward, CONFIG: config, TIMEOUT: timeout }
  const words = ['examples/schedulers/wait-and-run.sh', stream, partition, 'sh', '-c', job]
  return new Promise((resolve) => {
    const child = execFile('sh', words, { env }, (_error, stdout) => {
      resolve({ code: child.exitCode ?? -1, stdout })
    })
  })
}

/** From the start of the demo's process to its first commit. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { placementOn } from '../measure/machine.ts'
import { ourNodeFlags, ourScript } from '../measure/our-command.ts'
import { MeasuredProcess } from '../measure/run-process.ts'

/** One start in an empty folder, unpinned as a stranger's is. @returns seconds. */
export async function firstCommitSeconds(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'lakeward-bench-'))
  try {
    const beganMs = performance.now()
    const command = [
      process.execPath,
      ...ourNodeFlags,
      ourScript,
      'demo',
      '--verbose',
      '--folder',
      folder,
    ]
    const demo = new MeasuredProcess({ ...placementOn(0), words: [] }, command)
    const seconds = await demo.firstOf('stderr', (line) =>
      line.includes('"event":"committed"') ? (performance.now() - beganMs) / 1_000 : undefined,
    )
    await demo.stop()
    return seconds
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

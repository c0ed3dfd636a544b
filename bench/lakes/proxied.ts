/** The counting proxy as its user sees it. */
import { join } from 'node:path'
import { placementOn } from '../measure/machine.ts'
import { MeasuredProcess } from '../measure/run-process.ts'

/** Where requests go, and how many were answered so far. */
export interface Proxy {
  /** "http://127.0.0.1:41234". */
  readonly endpoint: string
  readonly counts: () => Promise<Counts>
}

export interface Counts {
  readonly answered: number
  readonly refused: number
  readonly byKind: Readonly<Record<string, number>>
}

/** @param endpoint of what is counted: "http://127.0.0.1:9000". */
export async function withProxy<T>(
  endpoint: string,
  work: (proxy: Proxy) => Promise<T>,
): Promise<T> {
  const script = join(import.meta.dirname, 'counting-proxy.ts')
  const child = new MeasuredProcess(placementOn(0), [process.execPath, script, endpoint])
  const port = await child.firstOf('stdout', (line) => (JSON.parse(line) as { port: number }).port)
  const url = `http://127.0.0.1:${port}`
  const counts = async (): Promise<Counts> =>
    (await (await fetch(`${url}/bench-counts`)).json()) as Counts
  try {
    return await work({ endpoint: url, counts })
  } finally {
    await child.stop()
  }
}

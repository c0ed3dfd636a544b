/** Trials beside each other, each in a thread: simulated time has no part in how busy a CPU is. */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { inParallel } from '../../src/committer/parallel.ts'
import { type ContentionFigures, type ContentionPlan, measureContention } from './world.ts'

const threadsMax = 4

/** @returns in the order of the plans. */
export async function measureInThreads(
  plans: readonly ContentionPlan[],
): Promise<ContentionFigures[]> {
  return [...(await inParallel(plans, threadsMax, measureInThread))]
}

async function measureInThread(plan: ContentionPlan): Promise<ContentionFigures> {
  const thread = new Worker(new URL(import.meta.url), { workerData: plan })
  const [figures] = (await once(thread, 'message')) as [ContentionFigures]
  await thread.terminate()
  return figures
}

if (!isMainThread && parentPort !== null) {
  parentPort.postMessage(await measureContention(workerData as ContentionPlan))
}

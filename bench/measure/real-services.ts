/** Real brokers and stores for benchmarks: their data stay beside the other data sets. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Misuse } from '../../test/system/services/catalogue.ts'
import { OutsideTrouble } from '../../test/system/services/outside-trouble.ts'
import { ServiceHarness, userPlaces } from '../../test/system/services/service-harness.ts'
import { placementOn } from './machine.ts'
import { MissingOutside } from './outcome.ts'

const checkout = join(import.meta.dirname, '..', '..')
const runRoot = join(checkout, 'bench', 'data', 'brokers')

/** Folder in which a service keeps what clients put there. */
export const dataOf = (instance: string): string => join(runRoot, instance, 'data')

/**
 * Runs `work` while a service is up; it is stopped at every end.
 *
 * @param place "beside": off the CPU that is measured. "anywhere": where times are measured and not
 *   CPU seconds, several processes of a service would only wait for each other on one CPU.
 * @throws {MissingOutside} it does not come up.
 */
export async function withService<T>(
  name: string,
  instance: string,
  work: (address: string) => Promise<T>,
  place: 'beside' | 'anywhere' = 'beside',
): Promise<T> {
  const say = (line: string): void => console.log(line)
  const harness = new ServiceHarness({ ...userPlaces(checkout), runRoot, say })
  const interrupted = (): void => {
    const end = (): never => process.exit(1)
    harness.down(instance).then(end, end)
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    const { address, pids } = await harness.up(name, { instance })
    if (place === 'beside') for (const pid of Object.values(pids)) keepOff(pid)
    return await work(address)
  } catch (error) {
    if (error instanceof OutsideTrouble || error instanceof Misuse) {
      throw new MissingOutside(error.message)
    }
    throw error
  } finally {
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
    await harness.down(instance).catch(() => undefined)
  }
}

/** Stops an instance and forgets its data: of services that keep none from run to run. */
export const wipeService = (instance: string): Promise<void> =>
  new ServiceHarness({ ...userPlaces(checkout), runRoot, say: () => {} })
    .wipe(instance)
    .catch(() => undefined)

export const portIn = (address: string): number => Number(address.split(':').at(-1))

/** Moves all threads of a process to the CPU that is not measured, where that can be had. */
function keepOff(pid: number): void {
  if (placementOn(0).words.includes('taskset')) spawnSync('taskset', ['-a', '-cp', '0', `${pid}`])
}

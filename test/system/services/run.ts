/**
 * `npm run services -- up|down|status|logs [NAME…]`: real services for tests and for trying out.
 *
 * The last line of stdout is one JSON object. Exits 2 for a name or flag that is not known, 3 when
 * something outside is missing or does not come up.
 */
import { join } from 'node:path'
import { userPlaces } from './service-harness.ts'
import { runServices } from './services-command.ts'

const checkout = join(import.meta.dirname, '..', '..', '..')
const say = (line: string): void => console.log(line)
const ended = await runServices(process.argv.slice(2), () => ({ ...userPlaces(checkout), say }))
if (ended.kind === 'done') console.log(JSON.stringify({ services: ended.services }))
else {
  console.error(ended.because)
  process.exitCode = ended.kind === 'refused' ? 2 : 3
}

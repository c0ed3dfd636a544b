/** The embedded broker in a process of its own: its CPU time is nobody's who is measured. */
import { startBroker } from '../../src/adapters/embedded/broker.ts'

const [directory = ''] = process.argv.slice(2)
const broker = await startBroker({ directory })
console.log(JSON.stringify({ port: broker.port }))
process.once('SIGTERM', () => void broker.close())

/**
 * An embedded broker in a process of its own, for tests that kill it:
 * `node broker-process.ts '<options as JSON>'` prints `{"port":…}` when it serves.
 */
import module from 'node:module'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import type { BrokerOptions } from '../../src/adapters/embedded/settings.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as BrokerOptions
const broker = await startBroker(options)
process.stdout.write(`${JSON.stringify({ port: broker.port })}\n`)
// Who is killed never gets to keep what it compiled.
module.flushCompileCache()
process.on('SIGTERM', () => void broker.close())

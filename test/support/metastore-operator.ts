/**
 * What people do to a metastore by hand and lakeward never does: on a connection of its own, since
 * the client knows no such calls.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { decodeMessage, encodeMessage } from '../../src/adapters/hive/thrift-binary.ts'
import {
  bool,
  structOf,
  type ThriftMessage,
  type ThriftStruct,
  text,
  texts,
} from '../../src/adapters/hive/thrift-value.ts'

const timeoutMs = 60_000
const result = 0

/** Drops a table and its partitions. Its data stays. */
export async function dropTable(port: number, database: string, table: string): Promise<void> {
  const fields = structOf([
    [1, text(database)],
    [2, text(table)],
    [3, bool(false)],
  ])
  await ask(port, 'drop_table', fields)
}

/** Drops one partition. Its data stays. @param path "dt=2026-11-20/hour=13". */
export async function dropPartition(
  port: number,
  { database, table, path }: { database: string; table: string; path: string },
): Promise<void> {
  const fields = structOf([
    [1, text(database)],
    [2, text(table)],
    [3, texts(path.split('/').map((part) => part.slice(part.indexOf('=') + 1)))],
    [4, bool(false)],
  ])
  await ask(port, 'drop_partition', fields)
}

/** @throws {Error} there is no answer, or it is an exception. */
async function ask(port: number, name: string, fields: ThriftStruct): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`"${name}" was not answered`)))
    socket.write(encodeMessage({ kind: 'call', name, sequence: 1, fields }))
    const chunks: Buffer[] = []
    let answer: ThriftMessage | undefined
    for await (const chunk of socket) {
      chunks.push(chunk as Buffer)
      answer = decodeMessage(Buffer.concat(chunks))?.message
      if (answer !== undefined) break
    }
    if (answer === undefined) throw new Error(`"${name}": the connection was closed`)
    // Every field but the result is an exception that the call declares.
    const isDone = answer.kind === 'reply' && [...answer.fields.keys()].every((id) => id === result)
    if (!isDone) throw new Error(`"${name}" failed: ${JSON.stringify([...answer.fields.keys()])}`)
  } finally {
    socket.destroy()
  }
}

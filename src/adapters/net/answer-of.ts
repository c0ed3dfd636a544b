import type { ClientRequest, IncomingMessage } from 'node:http'

/**
 * The beginning of the answer to a request. Always ends: also where Node.js tells neither an answer
 * nor an error, as when the other side changes the protocol, and once nobody waits any more, though
 * the request may not have a connection yet.
 *
 * @throws {Error} with a `code`: nobody answered; aborted, the reason of `signal`.
 */
export async function answerOf(sent: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const abort = (): void => {
    reject(signal.reason)
    sent.destroy()
  }
  sent.once('response', resolve)
  // Whoever has answered may still break off; what comes of that is in the answer.
  sent.on('error', reject)
  sent.once('upgrade', ({ statusCode }, socket) => {
    socket.destroy()
    reject(coded('EPROTO', `answered ${statusCode}: it wants to go on in another protocol`))
  })
  sent.once('close', () => {
    reject(coded('ECONNRESET', 'the connection was closed before the answer'))
  })
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** By its code the trouble of a network is told from a bug of ours. */
const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })

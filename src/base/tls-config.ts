/** How configurations say by which certificates a connection is trusted, and we are. */
import { secret, text } from './config-units.ts'
import { section } from './config-value.ts'

/** A file of PEM text. */
export const pemFile = () => text({ accepted: 'file:path of a PEM file', shape: /^file:.+$/ })

/** @param asker who may want our certificate, with the verb: "brokers ask". */
export const tlsSection = (asker: string) =>
  section({
    ca: pemFile()
      .optional()
      .describe('Certificates that are trusted. Without it: those that come with Node.js.'),
    certificate: pemFile().optional().describe(`Our own certificate, where ${asker} for one.`),
    key: secret().optional().describe('The private key of our certificate, in PEM.'),
  }).check((context) => {
    const { certificate, key } = context.value
    if ((certificate === undefined) === (key === undefined)) return
    const message = 'given without the other of certificate and key; accepted: both or neither'
    const path = [certificate === undefined ? 'key' : 'certificate']
    context.issues.push({ code: 'custom', input: context.value, message, path })
  })

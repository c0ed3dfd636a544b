import type { z } from 'zod'
import { address, secret } from '../base/config-units.ts'
import { section } from '../base/config-value.ts'

/** The section `http`. */
export const httpConfig = section({
  listen: address('host:port, where port 0 is any free one')
    .prefault('127.0.0.1:8700')
    .describe('Address of metrics, health and the API.'),
  token: secret()
    .optional()
    .describe('Bearer token of the API. Required for any address that is not loopback.'),
})

export type HttpConfig = z.output<typeof httpConfig>

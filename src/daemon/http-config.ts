import type { z } from 'zod'
import { secret, text } from '../base/config-units.ts'
import { section } from '../base/config-value.ts'

/** The section `http`. */
export const httpConfig = section({
  listen: text({
    accepted: 'host:port, where port 0 is any free one',
    shape: /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$/,
  })
    .prefault('127.0.0.1:8700')
    .describe('Address of metrics, health and the API.'),
  token: secret()
    .optional()
    .describe('Bearer token of the API. Required for any address that is not loopback.'),
})

export type HttpConfig = z.output<typeof httpConfig>

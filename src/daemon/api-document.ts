/** The OpenAPI document of the daemon's API. A test compares it with the routes. */

const json = (description: string): Record<string, unknown> => ({
  description,
  content: { 'application/json': { schema: { type: 'object' } } },
})

const reading = (summary: string, parameters: readonly string[] = []) => ({
  get: {
    summary,
    parameters: parameters.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    responses: { '200': json(summary), '503': json('The commit log is not open yet.') },
  },
})

export const apiDocument = {
  openapi: '3.1.0',
  info: { title: 'lakeward', version: '1', license: { name: 'Apache-2.0' } },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  paths: {
    '/livez': reading('The process lives.'),
    '/readyz': reading('Whether all goes well, and if not why.'),
    '/metrics': reading('Metrics for Prometheus.'),
    '/api/v1/openapi.json': reading('This document.'),
    '/api/v1/events': reading('Server-sent events: commits and announcements.'),
    '/api/v1/streams': reading('Streams with watermark and what they wait for.'),
    '/api/v1/streams/{name}': reading('One stream with its partitions.', ['name']),
    '/api/v1/streams/{name}/partitions/{partition}': reading(
      'One partition, and what blocks or completed it.',
      ['name', 'partition'],
    ),
    '/api/v1/log': reading('The end of the commit log as this daemon folded it.'),
    '/api/v1/ready': reading('Announcements and their deliveries.'),
    '/api/v1/dlq': reading('Dead letters by stream and reason.'),
  },
} as const

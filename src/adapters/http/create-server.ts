/**
 * Node's HTTP server without its HTTP clients.
 *
 * An import of `node:http` reads each of its names, and to read `WebSocket` is to load all of
 * undici: a tenth of the CPU time of a start, for what a daemon may never use.
 */
export const { createServer } = process.getBuiltinModule('node:http')

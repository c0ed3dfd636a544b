/**
 * Logs as one JSON object a line: `time`, `level`, `event` and the facts. Secrets print as `***`.
 *
 * Source: `pino`; its default keys `msg`, `pid` and `hostname` are left out: `event` is the stable
 * name that people search for.
 */
import pino from 'pino'
import type { LogFields, Logger } from '../../ports/telemetry.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'silent'

/**
 * @param always fields of every line.
 * @param write takes whole lines; the standard error stream when left out.
 */
export function jsonLogger(
  level: LogLevel,
  always: LogFields = {},
  write?: (line: string) => void,
): Logger {
  const destination = write === undefined ? pino.destination(2) : { write }
  const options = {
    level,
    base: plain(always),
    messageKey: 'event',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const out = pino(options, destination)
  return {
    error: (event, fields) => out.error(plain(fields), event),
    warn: (event, fields) => out.warn(plain(fields), event),
    info: (event, fields) => out.info(plain(fields), event),
  }
}

function plain(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, told(value)]))
}

/** 64-bit numbers as text, for JSON has none; an error with its message, which JSON leaves out. */
function told(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (!(value instanceof Error)) return value
  return Object.fromEntries([['message', value.message], ...Object.entries(value)])
}

/** The reason of a file system's refusal, short: "ENOSPC: no space left on device, write". */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** The code of a system error ("EADDRINUSE"), or undefined for any other error. */
export function systemCodeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined
  return typeof cause.code === 'string' ? cause.code : undefined
}

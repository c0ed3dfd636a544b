/** No login by Kerberos came about. The words are those of GSSAPI. */
export class KerberosTrouble extends Error {
  /** No KDC answered: another time one may. */
  readonly passes: boolean

  constructor(message: string, { passes, cause }: { passes: boolean; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'KerberosTrouble'
    this.passes = passes
  }
}

/** Logins by Kerberos, with tickets that the machine's own libraries get. */
export interface Kerberos {
  /** "etl@EXAMPLE.COM"; the libraries' choice where it is undefined. */
  readonly principal: string | undefined
  /**
   * @param service "HTTP@nn1.example.com", "hive@hms1.example.com".
   * @throws {KerberosTrouble} there is no ticket for the principal.
   */
  begin(service: string, mechanism: 'spnego' | 'krb5'): Promise<Handshake>
}

/** One login, from our first word to the server's proof. @throws {KerberosTrouble} each call. */
export interface Handshake {
  /** True once the server has proved who it is. */
  readonly isComplete: boolean
  /** @param challenge base64; empty at first. @returns base64, empty when nothing is to be said. */
  step(challenge: string): Promise<string>
  /** Signs bytes for the other side; they are not hidden. */
  wrap(bytes: Uint8Array): Promise<Buffer>
  /** @returns what the other side signed. */
  unwrap(bytes: Uint8Array): Promise<Buffer>
}

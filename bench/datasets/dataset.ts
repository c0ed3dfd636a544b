/** What a benchmark of decoding reads: a schema and seeded events of it. */

export interface Dataset {
  readonly name: string
  /** A file of its own, without imports. */
  readonly protoText: string
  /** Full name of the events' message. */
  readonly message: string
  /** How many different values there are, for people. */
  readonly cardinalities: string
  /** Least ratio of our rows per CPU second to pyarrow's. */
  readonly pyarrowBar: number
  /** Of a full run; a quick one takes a fifth. */
  readonly rows: number
  /** The same seed gives the same events. @returns the bytes of one event after the other. */
  events(seed: number): () => Uint8Array
}

/** Occurrences of a field that a stream's schema does not have, in rows that were taken. */
export interface UnknownField {
  /** Full name of the message it stood in; of a map's entry: message and field. */
  readonly message: string
  readonly number: number
  /** A field of one message at several places of the tree is counted once for all. */
  readonly count: number
}

export interface UnknownFields {
  readonly fields: readonly UnknownField[]
  /** Occurrences beyond the numbers that are told apart. */
  readonly otherCount: number
}

export interface UnknownFieldsOfStream extends UnknownFields {
  readonly stream: string
}

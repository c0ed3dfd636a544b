/** The parts of google/protobuf/descriptor.proto that say what a message looks like. */

interface Features {
  readonly field_presence?: 'EXPLICIT' | 'IMPLICIT' | 'LEGACY_REQUIRED'
  readonly enum_type?: 'OPEN' | 'CLOSED'
  readonly message_encoding?: 'LENGTH_PREFIXED' | 'DELIMITED'
}

interface Options {
  readonly features?: Features
}

export interface FieldDescriptor {
  readonly name?: string
  readonly number?: number
  readonly label?: 'LABEL_OPTIONAL' | 'LABEL_REQUIRED' | 'LABEL_REPEATED'
  readonly type?: string
  /** With a leading dot. */
  readonly type_name?: string
  readonly extendee?: string
  readonly oneof_index?: number
  readonly proto3_optional?: boolean
  readonly options?: Options
}

export interface EnumDescriptor {
  readonly name?: string
  readonly value: readonly { readonly name?: string; readonly number?: number }[]
  readonly options?: Options
}

export interface MessageDescriptor {
  readonly name?: string
  readonly field: readonly FieldDescriptor[]
  readonly extension: readonly FieldDescriptor[]
  readonly nested_type: readonly MessageDescriptor[]
  readonly enum_type: readonly EnumDescriptor[]
  readonly oneof_decl: readonly { readonly name?: string; readonly options?: Options }[]
  readonly options?: Options & {
    readonly map_entry?: boolean
    readonly message_set_wire_format?: boolean
  }
}

export interface FileDescriptor {
  readonly name?: string
  readonly package?: string
  readonly message_type: readonly MessageDescriptor[]
  readonly enum_type: readonly EnumDescriptor[]
  readonly extension: readonly FieldDescriptor[]
  readonly options?: Options
  readonly syntax?: string
  /** Name, or the number of an edition that is not known. */
  readonly edition?: string | number
}

export type ResolvedFeatures = Required<Features>

/** What holds in a file before its own options; undefined for an edition that is not known. */
export function editionFeatures({ syntax, edition }: FileDescriptor): ResolvedFeatures | undefined {
  const lengths = { message_encoding: 'LENGTH_PREFIXED' } as const
  if (syntax === 'editions') {
    if (edition !== 'EDITION_2023' && edition !== 'EDITION_2024') return undefined
    return { field_presence: 'EXPLICIT', enum_type: 'OPEN', ...lengths }
  }
  if (syntax === 'proto3') return { field_presence: 'IMPLICIT', enum_type: 'OPEN', ...lengths }
  return { field_presence: 'EXPLICIT', enum_type: 'CLOSED', ...lengths }
}

/** What is said nearer to a definition wins. */
export const withFeatures = (
  around: ResolvedFeatures,
  definition: { readonly options?: Options },
): ResolvedFeatures => ({ ...around, ...definition.options?.features })

/**
 * A compiled FileDescriptorSet to `MessageSchema`: what `protoc --descriptor_set_out` writes.
 *
 * - Names of types are absolute there, so nothing is looked up by scope.
 * - A set must hold every file that the message refers to (`--include_imports`).
 * - The same schema comes out as from the sources; comments are left out.
 *
 * Source: google/protobuf/descriptor.proto; protobuf documentation, "Feature Settings".
 */
import { Fault } from '../../base/fault.ts'
import type { MessageSchema } from '../../model/event-schema.ts'
import { DescriptorGraph } from './descriptor-graph.ts'
import type { FileDescriptor } from './descriptors.ts'
import { ObjectDecoder } from './object-decoder.ts'
import { parseMessageSchema } from './parse-schema.ts'
import { WireError } from './wire.ts'

/** The shape of descriptors, itself parsed from source. */
function descriptorSetSchema(): MessageSchema {
  const file = 'set.proto'
  const source = 'import "google/protobuf/descriptor.proto";'
  return parseMessageSchema(new Map([[file, source]]), file, 'google.protobuf.FileDescriptorSet')
}

let decoder: ObjectDecoder | undefined

/**
 * The schema of one message, with everything it refers to.
 *
 * @param bytes   a FileDescriptorSet.
 * @param file    where the bytes are from, for faults.
 * @param message full name with its package, no leading dot: "growth.AppEvent".
 * @throws {Fault} SCHEMA_UNREADABLE, SCHEMA_MESSAGE_NOT_FOUND, and SCHEMA_NOT_SUPPORTED for message
 *   sets the message reaches.
 */
export function parseDescriptorSet(
  bytes: Uint8Array,
  file: string,
  message: string,
): MessageSchema {
  const graph = new DescriptorGraph(file, filesOf(bytes, file))
  const found = graph.messageNamed(message)
  if (found !== undefined) return found
  const known = graph.messageNames.filter((name) => !name.startsWith('google.protobuf.'))
  throw new Fault('SCHEMA_MESSAGE_NOT_FOUND', { file, message, known })
}

function filesOf(bytes: Uint8Array, file: string): readonly FileDescriptor[] {
  decoder ??= new ObjectDecoder(descriptorSetSchema())
  try {
    return decoder.decode(bytes)['file'] as readonly FileDescriptor[]
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const reason = `it is no FileDescriptorSet, ${error.message}`
    throw new Fault('SCHEMA_UNREADABLE', { file, reason }, { cause: error })
  }
}

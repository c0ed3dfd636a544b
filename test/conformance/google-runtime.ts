/** Google's runtime for Python, the third reference: the one that others are measured by. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { isFieldSet, toBinary } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'
import { python } from '../support/require-service.ts'
import { textOf } from './normal-form.ts'
import type { Plain } from './plain-form.ts'
import { descriptorSet, Protobufjs, type SchemaText, type Verdict } from './references.ts'

const script = join(import.meta.dirname, 'google_runtime.py')
const oneofIndexField = FieldDescriptorProtoSchema.field.oneofIndex
const outputBytesMax = 512 * 1_024 * 1_024

type Answer = { readonly row: Plain } | { readonly refused: string }

/**
 * A verdict for each payload, with the names of a row sorted, since a descriptor has its fields in
 * an order of its own.
 *
 * @throws {Error} the runtime does not take the schema.
 */
export function googleVerdicts(
  schema: SchemaText,
  payloads: readonly Uint8Array[],
): readonly Verdict[] {
  const { type } = new Protobufjs(schema)
  const syntax = schema.text.includes('syntax = "proto2"') ? 'proto2' : 'proto3'
  const files = descriptorSet(type.root, syntax)
  for (const { messageType } of files.file) for (const each of messageType) putSyntheticLast(each)
  const set = toBinary(FileDescriptorSetSchema, files)
  const request = {
    set: Buffer.from(set).toString('base64'),
    message: schema.message,
    payloads: payloads.map((bytes) => Buffer.from(bytes).toString('hex')),
  }
  const { status, stdout, stderr } = spawnSync(python, [script], {
    input: `${JSON.stringify(request)}\n`,
    encoding: 'utf8',
    maxBuffer: outputBytesMax,
  })
  if (status !== 0) throw new Error(`${python} ended with ${status}: ${stderr}`)
  const answers = JSON.parse(stdout) as readonly Answer[]
  return answers.map(
    (answer): Verdict =>
      'refused' in answer
        ? { kind: 'refused', reason: answer.refused }
        : { kind: 'row', row: textOf(withSortedNames(answer.row)) },
  )
}

/** protobufjs has oneofs as they come; a compiler puts those of `optional` fields behind the others. */
function putSyntheticLast(message: DescriptorProto): void {
  const isSynthetic = (index: number): boolean =>
    message.field.some((each) => each.proto3Optional && each.oneofIndex === index)
  const order = message.oneofDecl
    .map((_, index) => index)
    .toSorted((one, other) => Number(isSynthetic(one)) - Number(isSynthetic(other)))
  const oneofs = order.flatMap((index) => message.oneofDecl[index] ?? [])
  for (const field of message.field) {
    if (isFieldSet(field, oneofIndexField)) field.oneofIndex = order.indexOf(field.oneofIndex)
  }
  message.oneofDecl = oneofs
  for (const nested of message.nestedType) putSyntheticLast(nested)
}

/** The row in the form in which rows of `googleVerdicts` are. */
export const inSortedForm = (verdict: Verdict): Verdict =>
  verdict.kind === 'row'
    ? { kind: 'row', row: textOf(withSortedNames(JSON.parse(verdict.row) as Plain)) }
    : verdict

function withSortedNames(form: Plain): Plain {
  if (Array.isArray(form)) return form.map(withSortedNames)
  if (typeof form !== 'object' || form === null) return form
  const entries = Object.entries(form).map(
    ([name, value]) => [name, withSortedNames(value)] as const,
  )
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/**
 * What of other people's schemas this version refuses: all of it, each with its reason. One that is
 * refused and does not stand here is a failure, and so is one that stands here and is taken.
 */

export interface RefusedMessages {
  readonly because: string
  /** What each refusal must say. */
  readonly says: RegExp
  /** Full names of messages, or paths of files. */
  readonly names: readonly string[]
}

const services = ['v22', 'v23', 'v24', 'v25'].map(
  (version) => `google.ads.googleads.${version}.services`,
)

export const refusedGoogleMessages: readonly RefusedMessages[] = [
  {
    because:
      'a row of everything that Google Ads knows; no engine reads a table of so many columns',
    says: /more than 10000 columns/,
    names: services.flatMap((service) => [
      `${service}.GoogleAdsRow`,
      `${service}.SearchGoogleAdsResponse`,
      `${service}.SearchGoogleAdsStreamResponse`,
    ]),
  },
  {
    because:
      'any of 18 kinds of events, each with a whole message with its cards: too many columns',
    says: /more than 10000 columns/,
    names: ['google.chat.v1.SpaceEvent', 'google.chat.v1.ListSpaceEventsResponse'],
  },
  {
    because: 'message sets, a form of proto1 that no compiler writes any more',
    says: /message_set_wire_format/,
    names: [
      'google.protobuf.bridge.MessageSet',
      'proto2_unittest.RecursiveMessageSet',
      'protobuf_test_messages.edition.TestAllRequiredTypesEdition.MessageSetCorrect',
      'protobuf_test_messages.edition.TestAllTypesEdition.MessageSetCorrect',
    ],
  },
  {
    because: 'the package does not hold a file that this one imports, so that no compiler takes it',
    says: /imports "google\/protobuf\/unittest\.proto", which is not there/,
    names: ['google/protobuf/util/json_format_proto3.proto'],
  },
]

export const refusedOpenTelemetryMessages: readonly RefusedMessages[] = []

import { FieldWriter } from './field-writer.js';
import type { Properties } from './properties.js';

/** What is said of a message in a PUBLISH to a client, of MQTT 5. */
export type PublishProperties = Pick<
  Properties,
  | 'payloadFormatIndicator'
  | 'messageExpiryInterval'
  | 'contentType'
  | 'responseTopic'
  | 'correlationData'
  | 'topicAlias'
  | 'userProperties'
> & { subscriptionIdentifiers?: readonly number[] };

export interface PublishToClient {
  topic: string;
  payload: Buffer;
  dup: boolean;
  retain: boolean;
  /** Of QoS 1; without one it is of QoS 0. */
  packetId: number | undefined;
  /** None in MQTT 3.1.1. */
  properties: PublishProperties | undefined;
}

const PUBLISH = 0x30;
const DUP = 0x08;
const QOS_1 = 0x02;
const RETAIN = 0x01;

/** A PUBLISH as bytes. Written here, for user properties keep their order, and each of them its place (MQTT-3.3.2-18). */
export function publishBytes({ topic, payload, dup, retain, packetId, properties }: PublishToClient): Buffer {
  const head = new FieldWriter();
  head.text(topic);
  if (packetId !== undefined) head.uint16(packetId);
  if (properties !== undefined) {
    const { written } = propertyFields(properties);
    head.varint(written.length);
    head.bytes(written);
  }
  const begin = new FieldWriter();
  begin.byte(PUBLISH + (dup ? DUP : 0) + (packetId === undefined ? 0 : QOS_1) + (retain ? RETAIN : 0));
  begin.varint(head.written.length + payload.length);
  return Buffer.concat([begin.written, head.written, payload]);
}

function propertyFields(properties: PublishProperties): FieldWriter {
  const fields = new FieldWriter();
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic } = properties;
  const { correlationData, subscriptionIdentifiers = [], topicAlias, userProperties = [] } = properties;
  if (payloadFormatIndicator !== undefined) {
    fields.byte(0x01);
    fields.byte(payloadFormatIndicator ? 1 : 0);
  }
  if (messageExpiryInterval !== undefined) {
    fields.byte(0x02);
    fields.uint32(messageExpiryInterval);
  }
  if (contentType !== undefined) {
    fields.byte(0x03);
    fields.text(contentType);
  }
  if (responseTopic !== undefined) {
    fields.byte(0x08);
    fields.text(responseTopic);
  }
  if (correlationData !== undefined) {
    fields.byte(0x09);
    fields.binary(correlationData);
  }
  for (const identifier of subscriptionIdentifiers) {
    fields.byte(0x0b);
    fields.varint(identifier);
  }
  if (topicAlias !== undefined) {
    fields.byte(0x23);
    fields.uint16(topicAlias);
  }
  for (const [name, value] of userProperties) {
    fields.byte(0x26);
    fields.text(name);
    fields.text(value);
  }
  return fields;
}

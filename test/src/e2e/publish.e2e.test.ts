import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { CONTRACT_SIGNED, ORDER_CREATED, contractSigned } from '../support/cloud-event.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { type Answer, call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { contractEvent, publish, publishBatch, publishBinary } from '../support/publishing.js';
import { type StreamClient, afterOpened, openWebSocket } from '../support/stream-clients.js';

const TOPIC = 'contract';

let mesh: Mesh;
let gateway: string;
let stream: StreamClient;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  stream = await openWebSocket(gateway, { types: CONTRACT_SIGNED });
  await stream.events.until((events) => events.length > 0);
});

afterAll(async () => {
  stream.close();
  await mesh.stop();
});

describe('an event published over HTTP', () => {
  let key: string;
  let id: string;

  beforeEach(() => {
    key = `C-${freshKey()}`;
    id = randomUUID();
  });

  test('in structured mode is acknowledged once the log has it, and arrives as it was published', async () => {
    const answer = await publish(
      gateway,
      contractEvent(key, { id, correlationid: 'c-1', time: '2026-01-31T12:00:00Z' }),
    );
    expect(answer).toMatchObject({ status: 202, json: { id, topic: TOPIC, duplicate: false } });
    const { partition, offset } = answer.json as { partition: number; offset: number };
    const records = await readTopic(foreignKafka(inject('stack').kafkaBrokers), TOPIC);
    expect(records.find((record) => record.partition === partition && record.offset === offset)).toMatchObject({
      key,
      headers: { ce_id: id, ce_type: CONTRACT_SIGNED, ce_subject: key, 'content-type': 'application/avro' },
    });
    expect(await arrived(id)).toMatchObject({
      source: '/test/contracts',
      subject: key,
      correlationid: 'c-1',
      time: '2026-01-31T12:00:00Z',
      data: contractSigned(key, { NetAmount: '1250.500' }),
    });
  });

  test('in binary mode as JSON, and as the Avro that another tool encoded, is the same event', async () => {
    const attributes = { id, source: '/test/contracts', type: CONTRACT_SIGNED, subject: key };
    const json = await publishBinary(gateway, attributes, 'application/json', JSON.stringify(contractSigned(key)));
    expect(json).toMatchObject({ status: 202, json: { id } });
    const first = await arrived(id);

    const { partition, offset } = json.json as { partition: number; offset: number };
    const records = await readTopic(foreignKafka(inject('stack').kafkaBrokers), TOPIC);
    const avro = records.find((record) => record.partition === partition && record.offset === offset)!.value!;
    const other = randomUUID();
    const answer = await publishBinary(gateway, { ...attributes, id: other }, 'application/avro', avro);
    expect(answer, answer.text).toMatchObject({ status: 202 });
    const second = await arrived(other);
    expect(second.data).toEqual(first.data);
    expect({ ...second, id, resumetoken: '', time: '' }).toEqual({ ...first, resumetoken: '', time: '' });
  });

  test('carries header values that HTTP cannot hold as they are, percent-encoded', async () => {
    const attributes = { id, source: '/test/contracts', type: CONTRACT_SIGNED, note: 'Gr%C3%B6%C3%9Fe%2050%25' };
    const answer = await publishBinary(gateway, attributes, 'application/json', JSON.stringify(contractSigned(key)));
    expect(answer, answer.text).toMatchObject({ status: 202 });
    expect(await arrived(id)).toMatchObject({ note: 'Größe 50%' });
  });

  test('in a batch is answered for itself: the good ones are appended in order, the others say why not', async () => {
    const good = [contractEvent(key), contractEvent(key), contractEvent(key)];
    const bad = contractEvent(key, { data: contractSigned(key, { SignedAt: 'yesterday' }) });
    const batch = await publishBatch(gateway, [good[0], bad, good[1], 'no event', good[2]]);
    expect(batch).toMatchObject({ status: 207, json: { accepted: 3, refused: 2 } });
    const { results } = batch.json as { results: { status: number; id?: string; problem?: object }[] };
    expect(results.map(({ status }) => status)).toEqual([202, 422, 202, 400, 202]);
    expect(results[1]).toMatchObject({ id: bad['id'], problem: { code: 'data-invalid', field: 'data.SignedAt' } });
    expect(results[3]).toMatchObject({ problem: { code: 'body-invalid', field: '3' } });
    await arrived(String(good[2]!['id']));
    const ids = afterOpened(stream)
      .filter(({ subject }) => subject === key)
      .map((event) => event.id);
    expect(ids).toEqual(good.map((event) => event['id']));
    expect((await publishBatch(gateway, [contractEvent(key)])).status).toBe(202);
  });

  test('twice, under one source and id, is acknowledged twice with one position and stands in the log once', async () => {
    const event = contractEvent(key, { id });
    const answers = await Promise.all(Array.from({ length: 8 }, () => publish(gateway, event)));
    const again = await publish(gateway, event);
    const positions = new Set<string>();
    for (const { status, json } of [...answers, again]) {
      expect(status).toBe(202);
      const { partition, offset } = json as { partition: number; offset: number };
      positions.add(`${partition}/${offset}`);
    }
    expect(positions.size).toBe(1);
    expect(again.json).toMatchObject({ duplicate: true });
    const others = await publish(gateway, { ...event, source: '/test/others' });
    expect(others.json).toMatchObject({ duplicate: false });
    await stream.events.until((events) => events.filter((one) => one.id === id).length === 2);
    const records = await readTopic(foreignKafka(inject('stack').kafkaBrokers), TOPIC);
    expect(records.filter(({ headers }) => headers['ce_id'] === id)).toHaveLength(2);
  });

  async function arrived(wanted: string): Promise<Record<string, unknown>> {
    const events = await stream.events.until((all) => all.some((event) => event.id === wanted));
    return events.find((event) => event.id === wanted) as unknown as Record<string, unknown>;
  }
});

describe('what is refused', () => {
  const event = contractEvent('C-1');
  const data = contractSigned('C-1');
  const without = (name: string): object => ({ ...event, [name]: null });
  const refusals: [what: string, give: () => Promise<Answer>, status: number, code: string, field?: string][] = [
    ['an unknown type', () => given({ type: 'heddle.contract.v1.Contract.Sined.v1' }), 404, 'type-unknown'],
    ['a type that a service owns', () => given({ type: ORDER_CREATED }), 403, 'type-owned', 'attributes.type'],
    ['a missing field', () => given({ data: { ...data, Currency: undefined } }), 422, 'data-invalid', 'data.Currency'],
    ['a field too long', () => given({ data: { ...data, Currency: 'EURO' } }), 422, 'data-invalid', 'data.Currency'],
    [
      'a wrong field inside another',
      () => given({ data: { ...data, Document: { ...(data['Document'] as object), sizeBytes: 'big' } } }),
      422,
      'data-invalid',
      'data.Document.sizeBytes',
    ],
    ['a field nobody knows', () => given({ data: { ...data, Curency: 'EUR' } }), 422, 'data-invalid', 'data.Curency'],
    ['no id', () => publish(gateway, without('id')), 400, 'attribute-invalid', 'attributes.id'],
    ['no source', () => publish(gateway, without('source')), 400, 'attribute-invalid', 'attributes.source'],
    [
      'another version of CloudEvents',
      () => given({ specversion: '0.3' }),
      400,
      'attribute-invalid',
      'attributes.specversion',
    ],
    ['a time that is none', () => given({ time: 'noon' }), 400, 'attribute-invalid', 'attributes.time'],
    [
      'an attribute name with a capital',
      () => given({ traceParent: 'x' }),
      400,
      'attribute-invalid',
      'attributes.traceParent',
    ],
    ['a subject that is not the key', () => given({ subject: 'C-2' }), 400, 'attribute-invalid', 'attributes.subject'],
    [
      'a sequence of its own',
      () => given({ sequence: '000000000001' }),
      400,
      'attribute-invalid',
      'attributes.sequence',
    ],
    ['what is no JSON', () => posted('application/cloudevents+json', '{"specversion":'), 400, 'body-invalid'],
    ['a batch that is no array', () => posted('application/cloudevents-batch+json', '{}'), 400, 'body-invalid'],
    [
      'a batch of too many',
      () =>
        publishBatch(
          gateway,
          Array.from({ length: 1001 }, () => 1),
        ),
      413,
      'too-large',
    ],
    [
      'JSON without attributes',
      () => posted('application/json', '{}'),
      415,
      'content-type-unsupported',
      'content-type',
    ],
    [
      'XML',
      () => publishBinary(gateway, attributes(), 'text/xml', '<a/>'),
      415,
      'content-type-unsupported',
      'content-type',
    ],
    ['a body too large', () => posted('application/cloudevents+json', ' '.repeat(1_100_000)), 413, 'too-large'],
    [
      'Avro of a schema nobody registered',
      () => publishBinary(gateway, attributes(), 'application/avro', unknownAvro()),
      404,
      'schema-unknown',
    ],
    ['Avro that is none', () => publishBinary(gateway, attributes(), 'application/avro', 'text'), 422, 'data-invalid'],
  ];

  test.each(refusals)(
    '%s has its own status and code, and the field by name',
    async (_what, give, status, code, field) => {
      const answer = await give();
      expect(answer.json, answer.text).toMatchObject({
        status,
        code,
        retryable: false,
        ...(field === undefined ? {} : { field }),
      });
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    },
  );

  test('leaves nothing behind: what comes next is taken', async () => {
    expect((await publish(gateway, contractEvent('C-1'))).status).toBe(202);
  });

  function given(different: Record<string, unknown>): Promise<Answer> {
    return publish(gateway, { ...event, ...different });
  }

  function posted(contentType: string, body: string): Promise<Answer> {
    return call('POST', `${gateway}/v1/events`, { headers: { 'content-type': contentType }, body });
  }

  function attributes(): Record<string, string> {
    return { id: randomUUID(), source: '/test/contracts', type: CONTRACT_SIGNED };
  }

  /** Confluent wire format with an id that no registry gives out in a test. */
  function unknownAvro(): Buffer {
    const bytes = Buffer.alloc(16);
    bytes.writeInt32BE(2_000_000_001, 1);
    return bytes;
  }
});

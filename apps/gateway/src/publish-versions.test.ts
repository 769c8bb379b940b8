import { AvroCodec, type AvroSchema, subjectOf } from '@heddle/schema';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { callerFor } from './identity/identity-trial.js';
import { CONTRACT_SIGNED, TrialStreams } from './streams/streams-trial.js';

const WAIT = { timeout: 10_000 };

interface WithFields {
  fields: { name: string; type: unknown; default?: unknown }[];
}

let trial: TrialStreams;
let subject: string;
let first: AvroSchema & WithFields;
let example: object;

beforeEach(async () => {
  trial = await TrialStreams.start();
  const type = trial.catalogue.get(CONTRACT_SIGNED)!;
  first = type.schema as AvroSchema & WithFields;
  example = type.example as object;
  subject = subjectOf('contract', first);
});

afterEach(() => trial.close());

/** The first version with other fields. */
function version(change: (fields: WithFields['fields']) => WithFields['fields']): AvroSchema {
  return { ...(first as object), fields: change(first.fields) } as unknown as AvroSchema;
}

const witness = { name: 'Witness', type: ['null', 'string'], default: null };

async function publish(data: { json: unknown } | { avro: Uint8Array }, id: string): Promise<object> {
  const attributes = { id, source: '/test', type: CONTRACT_SIGNED };
  const [outcome] = await trial.publisher.publish(callerFor(), [{ attributes, data }]);
  return outcome!;
}

/** As somebody else encodes it, who has the schema from the registry. */
async function encoded(schemaId: number, data: unknown): Promise<Buffer> {
  const codec = new AvroCodec(trial.registry);
  await codec.load(schemaId);
  return codec.encode(schemaId, data);
}

it('data of a version that was registered a moment ago is taken, and nonsense is still refused', async () => {
  const newer = { ...example, Witness: 'Notary' };
  expect(await publish({ json: newer }, 'e1')).toMatchObject({ error: { code: 'data-invalid' } });
  await trial.registry.register(
    subject,
    version((fields) => [...fields, witness]),
  );
  // Looked at once a second at most.
  await vi.waitFor(async () => expect(await publish({ json: newer }, 'e2')).toHaveProperty('position'), WAIT);
  expect(await publish({ json: { ...newer, Wittness: '' } }, 'e3')).toMatchObject({
    error: { code: 'data-invalid', field: 'data.Wittness' },
  });
});

it('Avro of any version of its type is taken, of one under a weaker mode too', async () => {
  const before = trial.catalogue.get(CONTRACT_SIGNED)!.schemaId;
  const narrower = version((fields) => fields.filter(({ name }) => name !== 'Currency'));
  const after = await trial.registry.register(subject, narrower, 'BACKWARD');
  await trial.catalogue.refresh();
  expect(trial.catalogue.get(CONTRACT_SIGNED)?.schemaId).toBe(after);
  expect(await publish({ avro: await encoded(before, example) }, 'e1')).toHaveProperty('position');
});

it('Avro of a schema that is no version, but could be one, is taken; of one that could not be it is refused with the reason', async () => {
  const wider = await trial.registry.register(
    'elsewhere',
    version((fields) => [...fields, witness]),
  );
  expect(await publish({ avro: await encoded(wider, example) }, 'e1')).toHaveProperty('position');
  const stricter = version((fields) => [...fields, { name: 'Place', type: 'string' }]);
  const astray = await trial.registry.register('astray', stricter);
  const refused = await publish({ avro: await encoded(astray, { ...example, Place: 'Bonn' }) }, 'e2');
  expect(refused).toMatchObject({
    error: { code: 'schema-incompatible', field: 'data', message: expect.stringContaining('data.Place') as string },
  });
  const other = { type: 'record', name: 'Other', fields: [{ name: 'Contract', type: 'string' }] };
  const foreign = await trial.registry.register('other', other);
  expect(await publish({ avro: await encoded(foreign, { Contract: 'C-1' }) }, 'e3')).toMatchObject({
    error: { code: 'schema-unknown' },
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Limits } from '../../limits/limits.js';
import { DispatchedEvent, ObjectState } from '../../represent.js';
import { deliveryText } from '../lease-text.js';
import { receivedShape } from '../pull/pull.shape.js';
import { CLOSE_CODES } from './close-codes.js';
import { FRAME_EXAMPLES } from './queue-frame-examples.js';
import { CLIENT_FRAMES, SERVER_FRAMES } from './queue-frame.shape.js';
import {
  type ReadyFrame,
  type SettleFrame,
  authenticatedFrame,
  closingFrame,
  deliveriesFrame,
  frameInvalid,
  problemFrame,
  readFrame,
  readyFrame,
  settledFrame,
} from './queue.frames.js';

const page = readFileSync(join(import.meta.dirname, '../../../../../docs/reference/frames.md'), 'utf8');

const { json } = new Limits();
const read = (text: string): ReturnType<typeof readFrame> => readFrame(Buffer.from(text), json);

describe('the page of frames', () => {
  const shown = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json]) => JSON.parse(json!) as { kind: string });

  it('shows each frame once, as everything else shows it', () => {
    expect(shown.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(FRAME_EXAMPLES).toSorted());
    for (const frame of shown) expect(frame).toEqual(FRAME_EXAMPLES[frame.kind as keyof typeof FRAME_EXAMPLES]);
  });

  it('names every reason of an end with its close code', () => {
    const rows = [...page.matchAll(/^\| (\d{4}) +\| `(\w+)` /gm)].map(([, code, reason]) => [reason, Number(code)]);
    expect(Object.fromEntries(rows)).toEqual(CLOSE_CODES);
    expect(Object.keys(CLOSE_CODES)).toEqual(expect.arrayContaining(SERVER_FRAMES.closing.shape.reason.options));
  });
});

describe('the examples', () => {
  it.each(Object.keys(CLIENT_FRAMES) as (keyof typeof CLIENT_FRAMES)[])('%s is read as it stands', (kind) => {
    expect(read(JSON.stringify(FRAME_EXAMPLES[kind]))).toEqual({ frame: FRAME_EXAMPLES[kind] });
  });

  it.each(Object.entries(SERVER_FRAMES))('%s has the shape that is documented', (kind, shape) => {
    expect(shape.safeParse(FRAME_EXAMPLES[kind as keyof typeof FRAME_EXAMPLES])).toMatchObject({ success: true });
  });

  it('are what is really written', () => {
    const { deliveries } = FRAME_EXAMPLES.deliveries as {
      deliveries: { lease: string; event: Record<string, string> }[];
    };
    const { lease, event } = deliveries[0]!;
    const { specversion: _version, data, dataref, dataschema, datacontenttype, ...attributes } = event;
    const dispatched = new DispatchedEvent(
      {
        topic: 'sales-order',
        partition: 0,
        offset: 0,
        key: '4711',
        appendedAt: 0,
        value: new Uint8Array(0),
        schemaId: 7,
        attributes: { ...attributes, dataref: '/v1/objects/sales-order/4711?version=1' } as never,
        data,
      },
      0,
      '',
      'http://127.0.0.1:8080',
    );
    expect([dataref, dataschema, datacontenttype]).not.toContain(undefined);
    const expiresAt = Date.parse('2026-03-02T10:15:31.250Z');
    const grant = {
      token: lease,
      expiresAt,
      lease: { event: dispatched, lane: '', attempt: 1, redelivery: 'no' as const, cycle: '' },
    };
    const settle = FRAME_EXAMPLES.settle as SettleFrame;
    const ready = FRAME_EXAMPLES.ready as ReadyFrame;
    const problem = frameInvalid([{ field: 'settlements.0.delay', rule: 'is not known here; did you mean delayMs?' }]);
    const written = [
      deliveriesFrame(deliveryText(grant)),
      settledFrame(settle, [
        { state: 'accepted' },
        { state: 'released', dueAt: Date.parse('2026-03-02T10:15:07.000Z') },
      ]),
      readyFrame(ready),
      authenticatedFrame('a-1', Date.parse('2026-03-02T11:15:00.000Z')),
      problemFrame('s-2', problem),
      closingFrame('moved'),
    ].map((text) => JSON.parse(text) as { kind: string });
    for (const frame of written) expect(frame).toEqual(FRAME_EXAMPLES[frame.kind as keyof typeof FRAME_EXAMPLES]);
    expect(written.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(SERVER_FRAMES).toSorted());
  });
});

describe('a delivery of a queue of shape state', () => {
  const event = new DispatchedEvent(
    {
      topic: 'sales-order',
      partition: 0,
      offset: 0,
      key: '4711',
      appendedAt: 0,
      value: new Uint8Array(0),
      attributes: { id: 'e1', source: '/test', type: 'a.b' },
      data: { SalesOrder: '4711' },
    },
    0,
    '',
    '',
  );

  it.each([
    [
      'the state of the object',
      new ObjectState(7, '{"SalesOrder":"4711"}'),
      { version: '7', object: { SalesOrder: '4711' } },
    ],
    ['a tombstone', new ObjectState(8, undefined), { version: '8', gone: true }],
    ['null where there is none', null, null],
  ])('has %s beside the event', (_what, state, shown) => {
    const lease = { event, state, lane: '', attempt: 1, redelivery: 'no' as const, cycle: '' };
    const text = deliveryText({ token: 't', expiresAt: 0, lease });
    const frame: unknown = JSON.parse(deliveriesFrame(text));
    expect(SERVER_FRAMES.deliveries.parse(frame).deliveries[0]).toMatchObject({ event: { id: 'e1' }, state: shown });
    expect(receivedShape.parse({ deliveries: [JSON.parse(text)] }).deliveries[0]).toMatchObject({ state: shown });
  });
});

describe('reading', () => {
  it('answers any text with a frame or with what is wrong, and never throws', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          kind: fc.constantFrom('hello', 'credit', 'settle', '__proto__'),
          id: fc.anything(),
          add: fc.anything(),
        })
        .map((frame) => JSON.stringify(frame)),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const result = read(text);
        if ('frame' in result) expect(Object.keys(CLIENT_FRAMES)).toContain(result.frame.kind);
        else expect(['frame-invalid', 'too-complex']).toContain(result.error.code);
      }),
    );
  });

  it('names the field, what it must be, and what to do about one that is not known', () => {
    const wrong = (frame: object): string => {
      const result = read(JSON.stringify(frame));
      return 'error' in result ? result.error.message : 'read';
    };
    expect(wrong(JSON.parse('{"kind":"credit","__proto__":{"add":1}}') as object)).toMatch(/^__proto__ /);
    expect(wrong({ kind: 'ack' })).toBe('kind must be one of hello, credit, settle, authenticate.');
    expect(wrong({ kind: 'credit', add: 10_001 })).toMatch(/^add .*10000/);
    expect(wrong({ kind: 'hello', leaseMs: 10 })).toMatch(/^leaseMs .*1000/);
    expect(wrong({ kind: 'hello', leaseMS: 10_000 })).toBe('leaseMS is not known here; did you mean leaseMs?');
    expect(wrong({ kind: 'settle', settlements: [{ lease: 'x', action: 'nack' }] })).toMatch(
      /^settlements\.0\.action must be "accept", "release", "reject" or "renew"/,
    );
  });
});

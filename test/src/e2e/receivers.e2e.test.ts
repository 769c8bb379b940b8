import { afterAll, beforeAll, expect, inject, vi } from 'vitest';
import { type ReceiverGround, receiverContract } from '../contract/receiver.contract.js';
import { foreignKafka } from '../support/foreign-kafka.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { RECEIVER_KINDS } from '../support/receiver-kinds.js';
import { settledOf } from '../support/stored-progress.js';

const stack = inject('stack');

let mesh: Mesh;
let ground: ReceiverGround;

beforeAll(async () => {
  mesh = await sharedMesh();
  ground = {
    gateway: mesh.url('gateway'),
    restart: async () => {
      await mesh.killApp('gateway');
      await mesh.startApp('gateway');
    },
    whenSettled: async (queue, events) => {
      const kafka = foreignKafka(stack.kafkaBrokers);
      await vi.waitFor(async () => expect(await settledOf(kafka, queue, events)).toHaveLength(events.length), {
        timeout: 10_000,
      });
    },
  };
});

afterAll(() => mesh.stop());

for (const kind of RECEIVER_KINDS) receiverContract(kind, () => ground);

import rhea from 'rhea';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { AmqpClient } from './amqp-client-trial.js';
import { ADMIN, AmqpTrial, SOON, TOPIC, TYPE, until } from './amqp-trial.js';

let trial: AmqpTrial;

beforeAll(async () => {
  trial = await AmqpTrial.start();
});

afterEach(() => trial.closeClients());

afterAll(() => trial.stop());

describe('who comes in over AMQP', () => {
  it('has a token, by SASL PLAIN over TCP or in the upgrade, and may say anything by SASL then', async () => {
    await trial.tcp();
    await trial.webSocket({ username: 'guest', password: 'guest' });
    await trial.webSocket({ username: 'anonymous' });
    await trial.webSocket();
    expect(trial.door.size).toBe(1);
  });

  it('is a client with its id and its secret', async () => {
    const { json } = await trial.gateway.ask(ADMIN, 'PUT', '/v1/clients/amqp-client', {
      permissions: ['consume:queue:*'],
    });
    const { clientId, clientSecret } = json as { clientId: string; clientSecret: string };
    trial.keep(await AmqpClient.overTcp(trial.port, { username: clientId, password: clientSecret }));
    await expect(AmqpClient.overTcp(trial.port, { username: clientId, password: 'wrong' })).rejects.toThrow();
  });

  it('is refused without, and with one that is none', async () => {
    await expect(AmqpClient.overTcp(trial.port, { username: 'x', password: 'a.b.c' })).rejects.toThrow();
    await expect(AmqpClient.overTcp(trial.port, {})).rejects.toThrow();
    await expect(AmqpClient.overWebSocket(trial.gateway.url, 'Bearer a.b.c')).rejects.toThrow('401');
  });

  it('goes when its rights are taken', async () => {
    const caller = callerFor('local', ['*'], 'taken');
    const client = await trial.tcp(caller);
    const closed = client.closed();
    trial.gateway.guard.revoke(caller);
    expect(await closed).toBe('amqp:unauthorized-access');
  });
});

describe('a receiver of a queue', () => {
  it('gets as many as it has credit for, each as a structured event, and settles them', async () => {
    const queue = await trial.newQueue();
    const receiver = await (await trial.webSocket()).receiver(`queue:${queue}`);
    const ids = await trial.publish(5);
    receiver.link.add_credit(2);
    await until(receiver, 2);
    const [first] = receiver.messages;
    expect(first!.message).toMatchObject({
      message_id: ids[0],
      to: TOPIC,
      content_type: 'application/cloudevents+json',
      delivery_count: 0,
      first_acquirer: true,
      durable: true,
    });
    expect(JSON.parse(first!.text)).toMatchObject({ id: ids[0], type: TYPE, data: { Contract: 'K0' } });
    expect((await trial.statistics(queue)).leased).toBe(2);
    for (const { delivery } of receiver.messages) delivery.accept();
    await vi.waitFor(() => expect(receiver.settled).toHaveLength(2), SOON);
    expect(await trial.statistics(queue)).toMatchObject({ leased: 0, ready: 3 });
    receiver.link.add_credit(10);
    await until(receiver, 5);
    expect(new Set(receiver.ids)).toEqual(new Set(ids));
  });

  it('gets events in binary mode when it asks for that', async () => {
    const queue = await trial.newQueue();
    const receiver = await (
      await trial.tcp()
    ).receiver(`queue:${queue}`, {
      properties: { 'heddle:mode': 'binary' },
      credit_window: 10,
    } as never);
    const [id] = await trial.publish(1);
    await until(receiver, 1);
    const { message, text } = receiver.messages[0]!;
    expect(message.content_type).toBe('application/json');
    expect(message.application_properties).toMatchObject({
      'cloudEvents:specversion': '1.0',
      'cloudEvents:id': id,
      'cloudEvents:type': TYPE,
    });
    expect(JSON.parse(text)).toMatchObject({ Contract: 'K0' });
  });

  it('has what it released, modified or rejected come again, counted, until attempts end', async () => {
    const queue = await trial.newQueue();
    const receiver = await (await trial.webSocket()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await trial.publish(1);
    await until(receiver, 1);
    receiver.messages[0]!.delivery.release();
    await until(receiver, 2);
    receiver.messages[1]!.delivery.modified({ delivery_failed: true });
    await until(receiver, 3);
    receiver.messages[2]!.delivery.reject({ condition: 'my:trouble', description: 'no stock' });
    await until(receiver, 4);
    receiver.messages[3]!.delivery.modified({
      delivery_failed: true,
      message_annotations: { 'x-opt-delivery-delay': 300 },
    } as never);
    const released = performance.now();
    await until(receiver, 5);
    expect(performance.now() - released).toBeGreaterThan(280);
    expect(receiver.messages.map(({ message }) => [message.delivery_count, message.first_acquirer])).toEqual([
      [0, true],
      [1, false],
      [2, false],
      [3, false],
      [4, false],
    ]);
    receiver.messages[4]!.delivery.reject({ condition: 'my:trouble', description: 'no stock' });
    await vi.waitFor(async () => expect((await trial.statistics(queue)).dead).toBe(1), SOON);
  });

  it('gives up at once what it says it will never understand', async () => {
    const queue = await trial.newQueue();
    const receiver = await (await trial.webSocket()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await trial.publish(1);
    await until(receiver, 1);
    receiver.messages[0]!.delivery.reject({ condition: 'amqp:decode-error', description: 'not for me' });
    await vi.waitFor(async () => expect((await trial.statistics(queue)).dead).toBe(1), SOON);
  });

  it('gives up at once what it says is not deliverable here', async () => {
    const queue = await trial.newQueue();
    const receiver = await (await trial.tcp()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await trial.publish(1);
    await until(receiver, 1);
    receiver.messages[0]!.delivery.modified({ delivery_failed: true, undeliverable_here: true });
    await vi.waitFor(async () => expect((await trial.statistics(queue)).dead).toBe(1), SOON);
  });

  it('gives back what it had when its link, or its connection, ends', async () => {
    const queue = await trial.newQueue();
    for (const end of ['detach', 'cut'] as const) {
      const client = await trial.tcp();
      const receiver = await client.receiver(`queue:${queue}`, { credit_window: 10 } as never);
      if (end === 'detach') await trial.publish(3);
      await until(receiver, 3);
      expect((await trial.statistics(queue)).leased).toBe(3);
      if (end === 'detach') receiver.link.close();
      else client.cut();
      await vi.waitFor(async () => expect((await trial.statistics(queue)).leased).toBe(0), SOON);
    }
    const receiver = await (await trial.tcp()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await until(receiver, 3);
    expect(receiver.messages.map(({ message }) => message.delivery_count)).toEqual([2, 2, 2]);
  });

  it('keeps a delivery for as long as its link lives, beyond the lease of the queue', async () => {
    const queue = await trial.newQueue({ leaseMs: 1000 });
    const receiver = await (await trial.webSocket()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await trial.publish(1);
    await until(receiver, 1);
    const { book } = trial.gateway.gateway.engine.queues.open('local', queue);
    const settle = vi.spyOn(book, 'settle');
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 6000);
    await vi.waitFor(() => expect(settle).toHaveBeenCalledWith([expect.objectContaining({ action: 'renew' })]), SOON);
    vi.restoreAllMocks();
    receiver.messages[0]!.delivery.accept();
    await vi.waitFor(() => expect(receiver.settled).toHaveLength(1), SOON);
    expect(receiver.settled[0]!.remote_state!.constructor).toHaveProperty('composite_type', 'accepted');
  });

  it('is told when its settlement came too late', async () => {
    const queue = await trial.newQueue();
    const receiver = await (
      await trial.webSocket()
    ).receiver(`queue:${queue}`, {
      properties: { 'heddle:lease-ms': 1000 },
      credit_window: 10,
    } as never);
    await trial.publish(1);
    await until(receiver, 2);
    receiver.messages[0]!.delivery.accept();
    await vi.waitFor(() => expect(receiver.settled).toHaveLength(1), SOON);
    expect(receiver.settled[0]!.remote_state).toMatchObject({ error: { condition: 'heddle:lease-expired' } });
  });

  it('drains: gets what is there, and gives up the rest of its credit', async () => {
    const queue = await trial.newQueue();
    const receiver = await (await trial.tcp()).receiver(`queue:${queue}`);
    await trial.publish(2);
    receiver.link.add_credit(10);
    receiver.link.drain_credit();
    await vi.waitFor(() => expect(receiver.drained).toBe(1), SOON);
    expect(receiver.messages).toHaveLength(2);
    expect((receiver.link as unknown as { credit: number }).credit).toBe(0);
    await trial.publish(1);
    receiver.link.drain = false;
    receiver.link.add_credit(1);
    await until(receiver, 3);
  });

  it('that asks for settled messages gets each once, and nothing comes again', async () => {
    const queue = await trial.newQueue();
    const receiver = await (
      await trial.tcp()
    ).receiver(`queue:${queue}`, { snd_settle_mode: 1, credit_window: 10 } as never);
    await trial.publish(2);
    await until(receiver, 2);
    await vi.waitFor(async () => expect(await trial.statistics(queue)).toMatchObject({ messages: 0, leased: 0 }), SOON);
  });

  it('is starved by nothing: thousands of deliveries go by one that is not settled', async () => {
    const queue = await trial.newQueue({ maxInFlight: 10_000 });
    // By itself, this client stops at 2,048 as long as the first is not settled.
    const client = await trial.webSocket({ session_buffer_size: 8192 });
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 500, rcv_settle_mode: 0 } as never);
    const sender = await (await trial.tcp()).sender(TOPIC);
    receiver.link.on('message', ({ delivery }) => {
      if (receiver.messages.length > 1) delivery!.accept();
    });
    const COUNT = 3000;
    for (let n = 0; n < COUNT; n += 1) {
      await vi.waitFor(() => expect(sender.link.sendable()).toBe(true), SOON);
      sender.link.send({
        body: rhea.message.data_section(Buffer.from(trial.contract(`K${n}`))),
        content_type: 'application/json',
      });
    }
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(COUNT), { timeout: 30_000 });
    await vi.waitFor(() => expect(receiver.messages).toHaveLength(COUNT), { timeout: 30_000 });
    await vi.waitFor(async () => expect(await trial.statistics(queue)).toMatchObject({ messages: 1, leased: 1 }), SOON);
  }, 60_000);

  it('is the only one of an exclusive queue, and the next one goes on when it leaves', async () => {
    const queue = await trial.newQueue({ accessType: 'EXCLUSIVE' });
    const [one, two] = [await trial.tcp(), await trial.tcp()];
    const [active, waiting] = [
      await one.receiver(`queue:${queue}`, { credit_window: 10 } as never),
      await two.receiver(`queue:${queue}`, { credit_window: 10 } as never),
    ];
    await trial.publish(3);
    await until(active, 3);
    expect(waiting.messages).toHaveLength(0);
    for (const { delivery } of active.messages.slice(0, 2)) delivery.accept();
    active.link.close();
    await until(waiting, 1);
    expect(waiting.messages[0]!.message.delivery_count).toBe(1);
  });

  it('is refused with the reason, and the connection goes on', async () => {
    const queue = await trial.newQueue();
    const client = await trial.tcp(callerFor('local', [`consume:queue:${queue}`]));
    await expect(client.receiver('queue:not-there')).rejects.toMatchObject({ condition: 'amqp:not-allowed' });
    await expect(client.receiver('nonsense')).rejects.toMatchObject({ condition: 'amqp:invalid-field' });
    const other = await trial.tcp();
    await expect(other.receiver('queue:not-there')).rejects.toMatchObject({ condition: 'amqp:not-found' });
    await client.receiver(`queue:${queue}`);
  });

  it('is refused what is not offered, and does not get something else instead', async () => {
    const queue = await trial.newQueue();
    await trial.publish(1);
    const client = await trial.tcp();
    const address = `queue:${queue}`;
    const wishes = [
      { address, filter: rhea.filter.selector("colour = 'red'") },
      { address, distribution_mode: 'copy' },
      { dynamic: true },
      { address: 'topic:a/b', durable: 2, expiry_policy: 'never' },
    ];
    for (const source of wishes) {
      const asked = client.receiver(address, { source, credit_window: 10 } as never);
      await expect(asked).rejects.toMatchObject({ condition: 'amqp:not-implemented' });
    }
    await expect(client.sender(address, { target: { dynamic: true } } as never)).rejects.toMatchObject({
      condition: 'amqp:not-implemented',
    });
    expect(await trial.statistics(queue)).toMatchObject({ leased: 0, ready: 1 });
    await until(await client.receiver(address, { credit_window: 1 } as never), 1);
  });

  it('is told when its queue is deleted', async () => {
    const queue = await trial.newQueue();
    const receiver = await (await trial.tcp()).receiver(`queue:${queue}`, { credit_window: 1 } as never);
    expect((await trial.gateway.ask(ADMIN, 'DELETE', `/v1/queues/${queue}`)).status).toBe(204);
    await vi.waitFor(() => expect(receiver.detachedWith).toBe('amqp:resource-deleted'), SOON);
  });

  it('is found again under the same name: the link before is taken over', async () => {
    const queue = await trial.newQueue();
    const client = await trial.tcp();
    const receiver = await client.receiver(`queue:${queue}`, { name: 'same' } as never);
    receiver.link.close();
    await vi.waitFor(() => expect(receiver.detachedWith).toBe('closed'), SOON);
    const again = await client.receiver(`queue:${queue}`, { name: 'same', credit_window: 1 } as never);
    await trial.publish(1);
    await until(again, 1);
  });
});

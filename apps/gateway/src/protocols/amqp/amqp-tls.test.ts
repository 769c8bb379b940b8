import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { identity } from '../webhook/certificate-trial.js';
import { AmqpClient } from './amqp-client-trial.js';
import { ADMIN, AmqpTrial, until } from './amqp-trial.js';

const OWN = identity('heddle');
const OTHER = identity('somebody-else');

let trial: AmqpTrial;

beforeAll(async () => {
  trial = await AmqpTrial.start({}, { certificate: { cert: OWN.certificate, key: OWN.privateKey } });
});

afterEach(() => trial.closeClients());

afterAll(() => trial.stop());

function amqps(options: Record<string, unknown>): Promise<AmqpClient> {
  const password = trial.gateway.guard.tokenFor(ADMIN);
  return AmqpClient.overTcp(trial.port, { username: 'any', password, transport: 'tls', ...options } as never);
}

describe('the port of AMQP where the process has a certificate', () => {
  it('is spoken to over TLS by a client that checks it', async () => {
    const queue = await trial.newQueue();
    const client = trial.keep(await amqps({ ca: [OWN.certificate], rejectUnauthorized: true }));
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    const [id] = await trial.publish(1);
    await until(receiver, 1);
    expect(receiver.ids).toEqual([id]);
  });

  it('is not spoken to by a client that trusts others, nor one that expects another name', async () => {
    await expect(amqps({ ca: [OTHER.certificate], rejectUnauthorized: true })).rejects.toThrow(/self-signed/);
    await expect(amqps({ rejectUnauthorized: true })).rejects.toThrow(/self-signed/);
    const named = amqps({ ca: [OWN.certificate], rejectUnauthorized: true, servername: 'other.example' });
    await expect(named).rejects.toThrow(/altnames|does not match/i);
    expect(trial.door.size).toBe(0);
  });

  it('lets nobody in without TLS, or with versions that are not safe any more, and goes on', async () => {
    await expect(trial.tcp()).rejects.toThrow();
    const old = connect({
      port: trial.port,
      host: '127.0.0.1',
      ca: OWN.certificate,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/PROTOCOL|VERSION/);
    trial.keep(await amqps({ ca: [OWN.certificate], rejectUnauthorized: true }));
  });
});

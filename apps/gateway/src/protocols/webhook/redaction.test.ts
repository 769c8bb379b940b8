import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../../gateway-trial.js';
import { callerFor } from '../../identity/identity-trial.js';
import { Redaction } from './redaction.js';
import { newSecret } from './secrets.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const SECRET = newSecret();
const KEY = 'the-key-of-the-receiver';
const HEADER = 'another/secret"of it';
const admin = callerFor();

let trial: GatewayTrial;
let echoed = '';
/** Says what it got, all of it. */
const echo = createServer((request, response) => {
  request.resume();
  echoed = JSON.stringify({ signedBy: SECRET, ...request.headers });
  response.statusCode = 400;
  response.end(echoed);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  trial = await GatewayTrial.start();
});

afterAll(async () => {
  await trial.stop();
  echo.closeAllConnections();
  await new Promise((resolve) => echo.close(resolve));
});

describe('what a receiver answers', () => {
  it('is kept and shown without the secrets of its webhook', async () => {
    const made = await trial.ask(admin, 'PUT', '/v1/webhooks/echo', {
      types: [TYPE],
      url: `http://127.0.0.1:${(echo.address() as AddressInfo).port}/`,
      retry: { attempts: 1 },
      secrets: [{ secret: SECRET }],
      headers: { 'x-second-token': HEADER },
      auth: { apiKey: { header: 'x-api-key', value: KEY } },
    });
    expect(made.status).toBe(201);
    const event = { attributes: { id: 'e1', source: '/test', type: TYPE }, data: { json: example() } };
    await trial.gateway.publisher.publish(admin, [event]);
    const letters = await vi.waitFor(
      async () => {
        const { text, json } = await trial.ask(admin, 'GET', '/v1/dead-letters');
        expect(json['deadLetters']).toHaveLength(1);
        return text;
      },
      { timeout: 10_000 },
    );
    const test = (await trial.ask(admin, 'POST', '/v1/webhooks/echo/test', {})).text;
    const attempts = (await trial.ask(admin, 'GET', '/v1/attempts')).text;
    const timeline = (await trial.ask(admin, 'GET', '/v1/events/e1')).text;
    expect(echoed).toContain(KEY);
    expect([letters, attempts, timeline, test].join()).toContain('signedBy');
    for (const shown of [letters, attempts, timeline, test]) {
      for (const secret of [SECRET, SECRET.slice('whsec_'.length), KEY, 'another/secret']) {
        expect(shown).not.toContain(secret);
      }
    }
  });
});

const example = (): object => trial.catalogue.get(TYPE)!.example as object;
const DEFINITION = {
  secrets: [{ secret: SECRET, createdAt: 'then' }],
  headers: { 'x-plain': 'in-the-open', cookie: 'session=1234' },
  auth: { basic: { user: 'heddle', password: 'abc' } },
};

describe('the secrets of a webhook', () => {
  it('are taken out where an answer was cut off within one', () => {
    expect(new Redaction(DEFINITION).of(`you sent ${SECRET.slice(0, 20)}`)).toBe('you sent •••');
  });

  it('are those of the definition before, too, and the token that was got for it', () => {
    const next = new Redaction({ ...DEFINITION, secrets: [], auth: {} }, new Redaction(DEFINITION));
    const basic = Buffer.from('heddle:abc').toString('base64');
    const said = `${SECRET}, Basic ${basic}, Bearer a-token, session=1234`;
    expect(next.of(said, 'Bearer a-token')).toBe('•••, Basic •••, Bearer •••, •••');
  });

  it('are all that is taken out', () => {
    const said = 'in-the-open: abc is no secret by itself';
    expect(new Redaction(DEFINITION).of(said)).toBe(said);
  });
});

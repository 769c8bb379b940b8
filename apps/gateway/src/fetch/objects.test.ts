import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventType } from '@heddle/schema';
import { createMetrics } from '@heddle/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { createGatewayMetrics } from '../metrics.js';
import { Objects } from './objects.js';

const TYPES = ['sap.s4.beh.salesorder.v1.SalesOrder.Created.v1', 'sap.s4.beh.salesorder.v1.SalesOrder.Changed.v1'];

describe('objects of tenants', () => {
  let asked: { path: string | undefined; token: string | undefined }[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let objects: Objects;
  const owner = createServer((request, response) => {
    asked.push({ path: request.url, token: request.headers.authorization });
    answer(request, response);
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(owner.address() as AddressInfo).port}`;
    const about = { object: 'sales-order', owner: 'sales-order', fetch: '/sales-orders/{key}' };
    const types = TYPES.map((type) => ({ type, ...about }) as EventType);
    const owners = new Map([
      ['local/sales-order', url],
      ['acme/sales-order', url],
    ]);
    const metrics = createGatewayMetrics(createMetrics('test'));
    objects = new Objects({ list: () => types }, owners, async (tenant) => `token-of-${tenant}`, metrics);
  });

  beforeEach(() => {
    asked = [];
    answer = (request, response) => {
      response.setHeader('etag', '"1"').end(JSON.stringify({ for: request.headers.authorization }));
    };
  });

  afterAll(async () => {
    await objects.close();
    owner.closeAllConnections();
    await new Promise((resolve) => owner.close(resolve));
  });

  it('are asked for with the token of their tenant, and never answered from the flight of another', async () => {
    const bodies = await Promise.all(
      ['local', 'acme', 'local', 'acme'].map(async (tenant) =>
        String((await objects.fetchFor(callerFor(tenant), 'sales-order', '1', undefined)).body),
      ),
    );
    expect(bodies).toEqual([
      '{"for":"Bearer token-of-local"}',
      '{"for":"Bearer token-of-acme"}',
      '{"for":"Bearer token-of-local"}',
      '{"for":"Bearer token-of-acme"}',
    ]);
    expect(asked).toHaveLength(2);
  });

  it('that nobody serves for a tenant are not there, and no other tenant is asked', async () => {
    const globex = callerFor('globex');
    await expect(objects.fetchFor(globex, 'sales-order', '1', undefined)).rejects.toMatchObject({ code: 'not-found' });
    await expect(objects.fetchFor(globex, 'nothing', '1', undefined)).rejects.toMatchObject({ code: 'not-found' });
    expect(asked).toEqual([]);
  });

  it('are for whoever may fetch one of the types that are about them', async () => {
    const one = callerFor('local', [`fetch:type:${TYPES[1]}`]);
    expect(await objects.fetchFor(one, 'sales-order', '1', undefined)).toMatchObject({ kind: 'state' });
    for (const less of [[], ['fetch:type:heddle.*'], [`consume:type:${TYPES[1]}`]]) {
      const refused = objects.fetchFor(callerFor('local', less), 'sales-order', '1', undefined);
      await expect(refused).rejects.toMatchObject({ code: 'permission-missing' });
    }
    expect(asked).toHaveLength(1);
  });

  it('whose owner does not accept the gateway are unavailable, not gone', async () => {
    answer = (_request, response) => void response.writeHead(403).end();
    const refused = objects.fetchFor(callerFor(), 'sales-order', '1', undefined);
    await expect(refused).rejects.toMatchObject({ code: 'owner-unavailable' });
  });
});

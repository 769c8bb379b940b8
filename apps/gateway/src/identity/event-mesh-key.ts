import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ClientRecord, sapClientIdOf } from './client.js';

const oa2Shape = z.object({
  clientid: z.string(),
  clientsecret: z.string().optional().describe('only where it was just made'),
  'credential-type': z.literal('x509').optional(),
  certificate: z
    .string()
    .optional()
    .describe('PEM, by which the client gets its tokens; `key` is put in by who has it'),
  certurl: z.string().optional().describe('where it is shown'),
  tokenendpoint: z.string(),
  granttype: z.literal('client_credentials'),
});

/** The service key of SAP Event Mesh, as its clients read it. */
export const eventMeshKeyShape = z.object({
  xsappname: z.string(),
  serviceinstanceid: z.string(),
  namespace: z.string(),
  management: z.array(z.object({ oa2: oa2Shape, uri: z.string() })),
  messaging: z.array(
    z.object({
      oa2: oa2Shape,
      protocol: z.array(z.enum(['amqp10ws', 'mqtt311ws', 'httprest'])),
      broker: z.object({ type: z.enum(['sapmgw', 'saprestmgw']) }),
      uri: z.string(),
    }),
  ),
});

export type EventMeshKey = z.output<typeof eventMeshKeyShape>;

/** All a client of SAP Event Mesh needs: it finds by protocol where to go, and gets its tokens with the same id anywhere. */
export function eventMeshKeyOf(
  client: ClientRecord,
  { baseUrl }: { baseUrl: string },
  clientSecret?: string,
  certificate?: string,
): EventMeshKey {
  const clientid = sapClientIdOf(client);
  const oa2 = {
    clientid,
    ...(clientSecret === undefined ? {} : { clientsecret: clientSecret }),
    ...(certificate === undefined ? {} : { 'credential-type': 'x509' as const, certificate, certurl: baseUrl }),
    tokenendpoint: `${baseUrl}/oauth/token`,
    granttype: 'client_credentials',
  } as const;
  const socketUrl = baseUrl.replace(/^http/, 'ws');
  return {
    xsappname: clientid.replace(/^sb-/, ''),
    serviceinstanceid: instanceIdOf(client),
    namespace: namespaceOf(client),
    management: [{ oa2, uri: baseUrl }],
    messaging: [
      { oa2, protocol: ['amqp10ws'], broker: { type: 'sapmgw' }, uri: `${socketUrl}/protocols/amqp10ws` },
      { oa2, protocol: ['mqtt311ws'], broker: { type: 'sapmgw' }, uri: `${socketUrl}/protocols/mqtt311ws` },
      { oa2, protocol: ['httprest'], broker: { type: 'saprestmgw' }, uri: baseUrl },
    ],
  };
}

/** Of a message client its own; else the one that the client has here. */
function namespaceOf({ descriptor, namespace }: ClientRecord): string {
  return typeof descriptor?.['namespace'] === 'string' ? descriptor['namespace'] : namespace;
}

/** The same for a client as long as there is that client, in the form of a UUID (RFC 9562 §5.8). */
function instanceIdOf({ tenant, client, createdAt }: ClientRecord): string {
  const hash = createHash('sha256').update(`${tenant}/${client}/${createdAt}`).digest('hex');
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `a${hash.slice(17, 20)}`];
  return `${parts.join('-')}-${hash.slice(20, 32)}`;
}

import { connect } from 'node:net';
import { HeddleError } from '@heddle/event';
import { EXIT } from '../exit-codes.js';
import { reasonOf } from '../reason.js';
import { type Check, type Patient, failed, ok, skipped, unsure } from './check.js';

/** A key that no object has. */
const NOBODY = 'heddle-doctor';
const POSTGRES_PORT = 5432;

export const storeCheck: Check = {
  name: 'store',
  about:
    'the services reach their databases: asked through the gateway, by --service, and by a connection to DATABASE_URL; and the index of the gateway is up to date',
  after: ['token', 'broker'],
  exitCode: EXIT.unreachable.code,
  async look(patient) {
    const { databaseUrl, services } = patient;
    const troubles = (
      await Promise.all([
        databaseUrl === undefined ? undefined : databaseTrouble(databaseUrl, patient.signal),
        ...services.map((service) => serviceTrouble(service, patient.signal)),
      ])
    ).filter((trouble) => trouble !== undefined);
    const advice = 'Is the database running (its log says more), and does the DATABASE_URL of the service name it?';
    if (troubles.length > 0) return failed(troubles.join('; '), advice);
    const { asked, silent } = await askOwners(patient);
    if (silent.length > 0) {
      return failed(silent.join('; '), `${advice} --service NAME=URL asks a service by itself what it lacks.`);
    }
    const index = await indexTrouble(patient);
    if (index !== undefined)
      return unsure(index, 'It reads in the background: ask again a little later, or look whether that goes on.');
    const looked = [...asked.map((object) => `${object} answers`), ...services.map(({ name }) => `${name} is ready`)];
    return looked.length === 0 && databaseUrl === undefined
      ? skipped('no objects are fetched through this gateway; the index is up to date')
      : ok([...looked, ...(databaseUrl === undefined ? [] : ['the database accepts connections'])].join(', '));
  },
};

/** Asks for an object that there is not: its owner has to look into its store to say so. */
async function askOwners({ gateway, signal }: Patient): Promise<{ asked: string[]; silent: string[] }> {
  const { types } = await gateway.get<{ types: { object: string; owner?: string }[] }>('/v1/catalogue');
  const objects = new Map(types.flatMap(({ object, owner }) => (owner === undefined ? [] : [[object, owner]])));
  const asked: string[] = [];
  const silent: string[] = [];
  for (const [object, owner] of objects) {
    try {
      await gateway.request('GET', `/v1/objects/${object}/${NOBODY}`, { signal, patienceMs: 0 });
      asked.push(owner);
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      const { code, field, message } = error;
      // A field means that such objects are not fetched here at all; without a permission there is nothing to be seen.
      if (code === 'not-found' && field === undefined) asked.push(owner);
      else if (code !== 'not-found' && code !== 'permission-missing') silent.push(`${owner}: ${message}`);
    }
  }
  return { asked, silent };
}

async function serviceTrouble(
  { name, url }: { name: string; url: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/healthz/ready`, { signal });
    const { checks = {} } = (await response.json()) as { checks?: Record<string, { status: string; detail?: string }> };
    const wrong = Object.entries(checks).filter(([, { status }]) => status !== 'ok');
    if (wrong.length > 0)
      return `${name}: ${wrong.map(([what, { detail }]) => `${what}: ${detail ?? 'unavailable'}`).join(', ')}`;
    return response.ok ? undefined : `${name} answers with ${response.status}`;
  } catch (error) {
    return `${name} cannot be reached at ${url}: ${reasonOf(error)}`;
  }
}

async function databaseTrouble(databaseUrl: string, signal: AbortSignal): Promise<string | undefined> {
  if (!URL.canParse(databaseUrl)) return 'DATABASE_URL is no URL';
  const { hostname, port } = new URL(databaseUrl);
  const socket = connect({ host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port) || POSTGRES_PORT, signal });
  try {
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return undefined;
  } catch (error) {
    const reason = signal.aborted ? 'no answer in time' : reasonOf(error);
    return `the database does not answer at ${hostname}:${port || POSTGRES_PORT}: ${reason}`;
  } finally {
    socket.destroy();
  }
}

async function indexTrouble({ gateway }: Patient): Promise<string | undefined> {
  const { partial, indexedUpTo } = await gateway.get<{ partial: boolean; indexedUpTo: string }>('/v1/operations', {
    limit: 1,
  });
  return partial ? `the index of the gateway is behind: it has come to ${indexedUpTo}` : undefined;
}

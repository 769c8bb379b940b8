import { EXIT } from '../exit-codes.js';
import type { Gateway } from '../gateway.js';
import { reasonOf } from '../reason.js';
import { type Check, type Finding, failed, ok, skipped } from './check.js';
import { topicPartitions } from './kafka-admin.js';

interface Health {
  checks?: Record<string, { status: string; detail?: string; ms: number }>;
}

/** How one thing is seen: undefined when it was not asked, else why it does not answer, or nothing where it does. */
interface Seen {
  byGateway: { trouble: string | undefined } | undefined;
  here: { trouble: string | undefined } | undefined;
}

export const brokerCheck: Check = {
  name: 'broker',
  about: 'Kafka answers the gateway, and this machine where KAFKA_BROKERS or --broker says where it is',
  after: [],
  exitCode: EXIT.unreachable.code,
  async look(patient) {
    const { brokers, gateway, signal } = patient;
    const [byGateway, here] = await Promise.all([
      seenByGateway(gateway, 'event-log', signal),
      brokers.length === 0 ? undefined : tried(() => topicPartitions(brokers, signal)),
    ]);
    return findingOf('the broker', brokers.join(','), 'KAFKA_BROKERS', { byGateway, here });
  },
};

export const registryCheck: Check = {
  name: 'registry',
  about:
    'the schema registry answers the gateway, and this machine where SCHEMA_REGISTRY_URL or --registry says where it is',
  after: [],
  exitCode: EXIT.unreachable.code,
  async look(patient) {
    const { registryUrl, gateway, signal } = patient;
    const [byGateway, here] = await Promise.all([
      seenByGateway(gateway, 'schema-registry', signal),
      registryUrl === undefined ? undefined : tried(() => askRegistry(registryUrl, signal)),
    ]);
    return findingOf('the registry', registryUrl ?? '', 'SCHEMA_REGISTRY_URL', { byGateway, here });
  },
};

/** What two who ask the same come to: it is down, or one of them does not find it. */
function findingOf(what: string, where: string, setting: string, { byGateway, here }: Seen): Finding {
  const at = where === '' ? '' : ` at ${where}`;
  if (byGateway === undefined && here === undefined)
    return skipped('the gateway does not say, and nothing else tells where it is');
  const away = byGateway?.trouble;
  if (here?.trouble !== undefined) {
    const also = away === undefined ? '' : ', and not the gateway either';
    return failed(
      `${what} does not answer${at}${also}: ${here.trouble}`,
      `Is it running, and is ${setting} right? Its log says more.`,
    );
  }
  if (away !== undefined) {
    const though = here === undefined ? '' : `, though it answers here${at}`;
    return failed(
      `${what} does not answer the gateway${though}: ${away}`,
      `Is it running, and does the ${setting} of the gateway name it as the gateway reaches it?`,
    );
  }
  const who = [...(byGateway === undefined ? [] : ['the gateway']), ...(here === undefined ? [] : ['this machine'])];
  return ok(`answers ${who.join(' and ')}`);
}

/** Undefined when the gateway does not answer: that is another check's matter. */
async function seenByGateway(gateway: Gateway, name: string, signal: AbortSignal): Promise<Seen['byGateway']> {
  try {
    const response = await gateway.open('GET', '/healthz/ready', undefined, { signal });
    const { checks } = (await response.json()) as Health;
    const check = checks?.[name];
    if (check === undefined) return undefined;
    return { trouble: check.status === 'ok' ? undefined : (check.detail ?? check.status) };
  } catch {
    return undefined;
  }
}

async function tried(ask: () => Promise<unknown>): Promise<NonNullable<Seen['here']>> {
  try {
    await ask();
    return { trouble: undefined };
  } catch (error) {
    return { trouble: reasonOf(error) };
  }
}

async function askRegistry(url: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/subjects`, { signal });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(`it answers with ${response.status}`);
  if (!Array.isArray(body)) throw new Error('what answers there is no registry of the Confluent API');
}

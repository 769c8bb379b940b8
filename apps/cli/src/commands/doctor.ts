import { defineCommand } from '../command.js';
import { wrongLine } from '../wrong-line.js';
import { type Check, type Finding, type Patient, failed, skipped } from '../checks/check.js';
import { checks } from '../checks/checks.js';
import { EXIT } from '../exit-codes.js';
import { reasonOf } from '../reason.js';

/** What a check came to. */
interface Examined extends Finding {
  check: string;
  ms: number;
  /** The check that failed, without which this one says nothing. */
  because?: string;
}

const SIGNS = { ok: '✔', unsure: '!', failed: '✖', skipped: '–' } as const;
const COLOURS = { ok: 'green', unsure: 'yellow', failed: 'red', skipped: 'dim' } as const;
const TIMEOUT_S = 5;

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'find out what is wrong, and what to do',
  description: [
    'Looks at everything an event needs on its way, each within a few seconds, and says which of it fails and what to do. It ends with the code of the first that failed: 3 for what does not answer, 4 for token and permission, else 1.',
    '',
    ...checks.map(({ name, about }) => `${name}: ${about}.`),
  ].join('\n'),
  options: {
    broker: {
      type: 'text',
      many: true,
      value: 'HOST:PORT',
      about: 'ask this broker, too; those of KAFKA_BROKERS when left out',
    },
    registry: {
      type: 'text',
      value: 'URL',
      about: 'ask this registry, too; that of SCHEMA_REGISTRY_URL when left out',
    },
    service: { type: 'text', many: true, value: 'NAME=URL', about: 'ask this service, too' },
    need: {
      type: 'text',
      many: true,
      value: 'PERMISSION',
      about: 'a permission that there has to be, as consume:queue:orders',
    },
    timeout: { type: 'number', value: 'SECONDS', about: `for each check; ${TIMEOUT_S} when left out` },
  },
  json: '{"ok", "culprit", "checks": [{"check", "state": "ok|unsure|failed|skipped", "detail", "advice", "because", "ms"}]}',
  examples: [
    { line: 'heddle doctor', about: 'all that can be seen from here' },
    {
      line: "heddle doctor --need 'consume:queue:orders' --need 'publish:type:sap.s4.beh.*'",
      about: 'whether one may do what one is to do',
    },
    {
      line: 'heddle doctor --broker 127.0.0.1:9092 --registry http://127.0.0.1:8181/apis/ccompat/v7 --service sales-order=http://127.0.0.1:8101',
      about: 'look at what the gateway stands on, too',
    },
  ],
  async run({ options, terminal, output, gateway, signal }) {
    const { environment } = terminal;
    const patient: Omit<Patient, 'signal'> = {
      gateway: await gateway(),
      environment,
      brokers: options.broker.length > 0 ? options.broker : environment.kafkaBrokers,
      registryUrl: options.registry ?? environment.registryUrl,
      databaseUrl: environment.databaseUrl,
      services: options.service.map(serviceOf),
      needs: options.need,
    };
    const timeoutMs = (options.timeout ?? TIMEOUT_S) * 1000;
    const examined: Examined[] = [];
    for (const check of checks) {
      if (signal.aborted) break;
      examined.push(await examine(check, examined, patient, timeoutMs, signal));
    }
    const culprit = examined.find(({ state }) => state === 'failed')?.check;
    await output.show(
      { ok: culprit === undefined, ...(culprit === undefined ? {} : { culprit }), checks: examined },
      () =>
        examined.flatMap(({ check, state, detail, advice }) => [
          `${output.paint(COLOURS[state], SIGNS[state])} ${check.padEnd(10)}  ${detail}`,
          ...(advice === undefined ? [] : [`  ${' '.repeat(10)}  → ${advice}`]),
        ]),
    );
    return checks.find(({ name }) => name === culprit)?.exitCode ?? EXIT.ok.code;
  },
});

async function examine(
  check: Check,
  before: readonly Examined[],
  patient: Omit<Patient, 'signal'>,
  timeoutMs: number,
  ending: AbortSignal,
): Promise<Examined> {
  const begun = performance.now();
  const rests = before.filter(({ check: name }) => check.after.includes(name));
  const cause =
    rests.find(({ state }) => state === 'failed')?.check ?? rests.find(({ because }) => because !== undefined)?.because;
  const finding =
    cause === undefined
      ? await within(check, patient, timeoutMs, ending)
      : { ...skipped(`not looked at, because of ${cause}`), because: cause };
  return { check: check.name, ...finding, ms: Math.round(performance.now() - begun) };
}

/** A check that throws has failed; one that takes too long, too. */
async function within(
  check: Check,
  patient: Omit<Patient, 'signal'>,
  timeoutMs: number,
  ending: AbortSignal,
): Promise<Finding> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([timeout, ending]);
  const late = Promise.withResolvers<Finding>();
  const advice = `Look at what it asks; --timeout gives it more time.`;
  timeout.addEventListener('abort', () => late.resolve(failed(`no answer within ${timeoutMs / 1000} s`, advice)));
  const looked = check
    .look({ ...patient, signal })
    .catch((error: unknown) =>
      failed(error instanceof Error ? error.message : reasonOf(error), 'The log of the gateway says more.'),
    );
  return Promise.race([looked, late.promise]);
}

function serviceOf(text: string): { name: string; url: string } {
  const at = text.indexOf('=');
  const url = text.slice(at + 1);
  if (at < 1 || !URL.canParse(url)) throw wrongLine(`--service takes NAME=URL, not ${text}.`);
  return { name: text.slice(0, at), url };
}

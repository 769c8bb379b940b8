import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import {
  BROKER_DEFAULTS,
  CHECKOUT,
  IMAGES,
  MESH_APPS,
  REGISTRY_DEFAULTS,
  makeClients,
  type MeshApp,
} from '@heddle/infra';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { settings as businessPartnerSettings } from '../../../apps/business-partner/src/settings.js';
import { settings as contractSettings } from '../../../apps/contract/src/settings.js';
import { settings as gatewaySettings } from '../../../apps/gateway/src/settings.js';
import { settings as salesOrderSettings } from '../../../apps/sales-order/src/settings.js';

interface Service {
  image: string;
  build?: string;
  ports?: string[];
  volumes?: string[];
  environment: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

interface ComposeFile {
  services: Record<string, Service>;
}

const SETTINGS = {
  gateway: gatewaySettings,
  'sales-order': salesOrderSettings,
  'business-partner': businessPartnerSettings,
  contract: contractSettings,
} satisfies Record<MeshApp, { keys: string[]; read: unknown }>;

/** Services that do one thing and end. */
const ENDING = ['schemas', 'master-key', 'clients'];

const compose = parse(read('docker-compose.yml'), { merge: true }) as ComposeFile;
const services = Object.entries(compose.services);
let secrets: string;

beforeAll(() => {
  secrets = mkdtempSync(join(tmpdir(), 'heddle-compose-'));
  makeClients(secrets);
});

afterAll(() => rmSync(secrets, { recursive: true }));

test('the file fits the schema of the Compose specification', () => {
  const directory = join(createRequire(import.meta.url).resolve('docker-compose'), '..', '..');
  const schema = JSON.parse(readFileSync(join(directory, 'schema', 'compose-spec.json'), 'utf8')) as {
    $schema?: string;
  };
  // The specification names its meta-schema with https, which no validator knows it by.
  delete schema.$schema;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  expect(validate(compose), JSON.stringify(validate.errors, undefined, 2)).toBe(true);
});

test('images have the versions that tests and native starts use', () => {
  expect(compose.services['kafka']?.image).toBe(IMAGES.kafka);
  expect(compose.services['registry']?.image).toBe(IMAGES.registry);
  expect(compose.services['postgres']?.image).toBe(IMAGES.database);
});

test('our image has the Node that everything else runs with', () => {
  const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } };
  const stages = [...read('Dockerfile').matchAll(/^FROM node:(\S+)/gm)].map(([, tag]) => tag);
  expect(stages).toEqual([`${devDependencies.node}-bookworm-slim`, `${devDependencies.node}-bookworm-slim`]);
});

test('broker and registry have the settings of the native ones', () => {
  const broker = Object.entries(BROKER_DEFAULTS).map(([key, value]) => [
    `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`,
    String(value),
  ]);
  expect(compose.services['kafka']?.environment).toMatchObject(Object.fromEntries(broker));
  expect(compose.services['registry']?.environment).toMatchObject(REGISTRY_DEFAULTS);
});

test('nothing is published beyond loopback', () => {
  const ports = services.flatMap(([, { ports = [] }]) => ports);
  expect(ports.length).toBeGreaterThan(0);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test('every service that stays has a health check', () => {
  const without = services.filter(([, { healthcheck }]) => healthcheck === undefined).map(([name]) => name);
  expect(without).toEqual(ENDING);
});

test('nothing starts before what it leans on is healthy or done', () => {
  for (const [name, { depends_on: needs = {} }] of services) {
    for (const [other, { condition }] of Object.entries(needs)) {
      const done = ENDING.includes(other) ? 'service_completed_successfully' : 'service_healthy';
      expect(condition, `${name} needs ${other}`).toBe(done);
    }
  }
});

describe.each(MESH_APPS)('%s', (app) => {
  const service = compose.services[app];

  test('is given settings that it has, with values that it accepts', () => {
    const environment = service?.environment ?? {};
    expect(Object.keys(environment).length).toBeGreaterThan(0);
    expect(SETTINGS[app].keys).toEqual(expect.arrayContaining(Object.keys(environment)));
    // Files of the containers, by settings that are known.
    const here = Object.fromEntries(Object.entries(environment).filter(([, value]) => !value.startsWith('/secrets/')));
    const key = app === 'gateway' ? { HEDDLE_MASTER_KEY: `main:${'A'.repeat(43)}=` } : {};
    expect(SETTINGS[app].read({ ...here, ...key })).toMatchObject({ port: Number(environment['PORT']) });
  });

  test('is given the secrets that are made for it, which it cannot change', () => {
    const made = new Set(['master-key', ...readdirSync(secrets)].map((file) => `/secrets/${file}`));
    const given = Object.values(service?.environment ?? {}).filter((value) => value.startsWith('/secrets/'));
    expect(given.length).toBeGreaterThan(0);
    expect(given.filter((file) => !made.has(file))).toEqual([]);
    expect(service?.volumes).toContain('secrets:/secrets:ro');
  });

  test('is published on the port that it listens on', () => {
    const port = service?.environment['PORT'];
    expect(service?.ports).toEqual([`127.0.0.1:${port}:${port}`]);
  });
});

test('an image is built with every process of ours, and the gateway is told where each owner of objects answers', () => {
  const owners = MESH_APPS.filter((app) => app !== 'gateway');
  for (const app of MESH_APPS) {
    expect(read('Dockerfile')).toMatch(new RegExp(`tsc -b .*apps/${app}\\b`));
    expect(read('Dockerfile')).toContain(`--workspace apps/${app} `);
  }
  const told = compose.services['gateway']?.environment['OWNER_URLS']?.split(',').toSorted();
  expect(told).toEqual(
    owners.map((app) => `${app}=http://${app}:${compose.services[app]?.environment['PORT']}`).toSorted(),
  );
});

test('an image has the programs that make clients and get tokens, with all that they import', () => {
  const copied = [...read('Dockerfile').matchAll(/\/heddle\/(infra\/\S+\.mjs)/g)].map(([, file = '']) => file);
  expect(copied).toEqual(expect.arrayContaining(['infra/clients.mjs', 'infra/token.mjs']));
  for (const file of copied) {
    for (const [, imported = ''] of read(file).matchAll(/from '(\.[^']*)'/g)) {
      expect(copied).toContain(posix.join(posix.dirname(file), imported));
    }
  }
});

function read(file: string): string {
  return readFileSync(join(CHECKOUT, file), 'utf8');
}

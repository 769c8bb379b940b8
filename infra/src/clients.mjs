// Plain JavaScript without a package: the image of containers runs it as it is.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from './launch-error.mjs';

/**
 * @typedef {{ client: string, tenant: string, namespace: string, secret: string, permissions: string[] }} Client
 */

/** Who may do everything, tenants included. */
export const ADMINISTRATOR = 'administrator';

const TENANT = 'local';
const NAMESPACE = 'local/mesh/dev';

/**
 * Who may come in from the first start on, and what each may do.
 *
 * @type {Readonly<Record<string, string[]>>}
 */
const PERMISSIONS = {
  [ADMINISTRATOR]: ['*', 'manage:tenant:*'],
  'sales-order': ['publish:type:sap.s4.beh.salesorder.v1.*', 'fetch:type:sap.s4.beh.businesspartner.v1.*'],
  'business-partner': ['publish:type:sap.s4.beh.businesspartner.v1.*'],
  contract: ['publish:type:heddle.contract.v1.*', 'fetch:type:sap.s4.beh.businesspartner.v1.*'],
};

/** The file that a gateway takes its first clients from, in a folder of secrets. @param {string} dir */
export function clientsFile(dir) {
  return join(dir, 'clients.json');
}

/** The file with the secret of a client and nothing else. @param {string} dir @param {string} client */
export function secretFile(dir, client) {
  return join(dir, `${client}.secret`);
}

/**
 * Makes the clients of a mesh, each with a secret of its own, in files that nobody else can read. Those that are there
 * stay as they are.
 *
 * @param {string} dir
 */
export function makeClients(dir) {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const file = clientsFile(dir);
  const clients = existsSync(file) ? readClients(file) : [];
  for (const [client, permissions] of Object.entries(PERMISSIONS)) {
    if (clients.some((known) => known.client === client)) continue;
    // The beginning is what scans for secrets know them by.
    const secret = `heddle_cs_${randomBytes(32).toString('base64url')}`;
    clients.push({ client, tenant: TENANT, namespace: NAMESPACE, secret, permissions });
  }
  write(file, `${JSON.stringify({ clients }, undefined, 2)}\n`);
  for (const { client, secret } of clients) write(secretFile(dir, client), `${secret}\n`);
}

/**
 * @param {string} file
 * @returns {Client[]}
 */
function readClients(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).clients;
  } catch (cause) {
    throw new LaunchError(`${file} cannot be read: mend it, or delete it to have new clients.`, { cause });
  }
}

/**
 * Whole or not at all, whatever ends this process in between.
 *
 * @param {string} file
 * @param {string} text
 */
function write(file, text) {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

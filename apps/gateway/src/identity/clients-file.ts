import { readFile, stat } from 'node:fs/promises';
import { Permissions, isSecretOf } from '@heddle/auth';
import { HeddleError, LOCAL_TENANT } from '@heddle/event';
import { brokenRules } from '@heddle/runtime';
import { z } from 'zod';
import type { ClientDirectory } from './client-directory.js';
import { checkClientName, checkTenantName, secretsNow } from './client.js';
import { changed, secretRecord } from './clients.js';
import { namespaceShape, permissionsShape } from './clients.shape.js';
import { descriptorShape, permissionsOf } from './descriptor.js';

const entryShape = z.strictObject({
  client: z.string(),
  tenant: z.string().default(LOCAL_TENANT),
  namespace: namespaceShape,
  secret: z.string().min(16, 'must have 16 characters at least').max(512),
  permissions: permissionsShape.optional(),
  descriptor: descriptorShape.optional().describe('of a message client of SAP Event Mesh, in place of permissions'),
});

const fileShape = z.strictObject({ clients: z.array(entryShape).max(1000) });

type Entry = z.output<typeof entryShape>;

/** For what others could read there. */
const OTHERS = 0o077;

/**
 * The clients that are there from the start, from a JSON file that only its owner may read.
 *
 * @throws HeddleError `setting-invalid`
 */
export async function readClientsFile(path: string): Promise<readonly Entry[]> {
  const invalid = (rule: string, cause?: unknown): HeddleError =>
    new HeddleError('setting-invalid', `HEDDLE_CLIENTS_FILE names ${path}, which ${rule}.`, { cause });
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      throw invalid('others can read: it has secrets, so chmod 600 it');
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof HeddleError) throw error;
    throw invalid('cannot be read', error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The cause would show a part of the file.
    throw invalid('is no JSON');
  }
  const read = fileShape.safeParse(value);
  if (!read.success) {
    const [first] = brokenRules(fileShape, read.error.issues);
    throw invalid(`breaks a rule: ${first?.field || 'its top'} ${first?.rule}`);
  }
  for (const entry of read.data.clients) {
    const { client, tenant, namespace } = entry;
    try {
      checkClientName(client);
      checkTenantName(tenant);
      permissionsIn(entry);
    } catch (error) {
      throw invalid(`breaks a rule for ${client}: ${(error as Error).message}`);
    }
    if (!namespace.startsWith(`${tenant}/`)) throw invalid(`gives ${client} a namespace outside of its tenant`);
  }
  return read.data.clients;
}

/** Makes each of them as the file says, tenants included; what is so already is left, so that nothing is written. */
export async function putClients(directory: ClientDirectory, entries: readonly Entry[]): Promise<void> {
  for (const entry of entries) {
    const { client, tenant, namespace, secret, descriptor } = entry;
    if (!directory.hasTenant(tenant)) {
      await directory.putTenant({ format: 1, tenant, createdAt: new Date().toISOString() });
    }
    const { texts } = permissionsIn(entry);
    await directory.change(tenant, client, async (present) => {
      const own = present === undefined ? undefined : secretsNow(present).find(({ fromFile }) => fromFile === true);
      const isSame = own !== undefined && (await isSecretOf(secret, own.hash));
      const hasRights =
        present?.namespace === namespace &&
        present.permissions.join(' ') === texts.join(' ') &&
        JSON.stringify(present.descriptor) === JSON.stringify(descriptor);
      if (present !== undefined && isSame && hasRights) return present;
      const others = (present?.secrets ?? []).filter(({ fromFile }) => fromFile !== true);
      return {
        ...changed(present, { tenant, client }, !hasRights || (own !== undefined && !isSame)),
        namespace,
        permissions: texts,
        ...(present?.description === undefined ? {} : { description: present.description }),
        ...(descriptor === undefined ? {} : { descriptor }),
        disabled: present?.disabled ?? false,
        secrets: [isSame ? own : { ...(await secretRecord(secret)), fromFile: true as const }, ...others].slice(0, 2),
        ...(present?.certificates === undefined ? {} : { certificates: present.certificates }),
        keys: present?.keys ?? [],
      };
    });
  }
}

/** @throws HeddleError `permission-invalid`, `data-invalid` */
function permissionsIn({ permissions, descriptor }: Entry): Permissions {
  if ((permissions === undefined) === (descriptor === undefined)) {
    throw new HeddleError('data-invalid', 'it has either permissions or a descriptor');
  }
  return Permissions.of(descriptor === undefined ? (permissions ?? []) : permissionsOf(descriptor));
}

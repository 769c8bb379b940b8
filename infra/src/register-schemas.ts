import { join } from 'node:path';
import { ConfluentSchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { CHECKOUT } from './checkout.mjs';

/** Registers every schema of this repository; one that is registered already stays as it is. Resolves to their number. */
export async function registerOwnSchemas(registryUrl: string): Promise<number> {
  const files = await loadSchemaFiles(join(CHECKOUT, 'schemas'));
  await registerSchemas(new ConfluentSchemaRegistry({ url: registryUrl }), files);
  return files.length;
}

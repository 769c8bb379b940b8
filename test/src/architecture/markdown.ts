import { format, resolveConfig } from 'prettier';
import { path } from './tree.js';

/** As the formatter leaves it, so that a page never differs by its spaces alone. */
export async function markdown(text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path('package.json'))), parser: 'markdown' });
}

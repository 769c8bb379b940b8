import { readFileSync } from 'node:fs';

/** `heddle 0.1.0` */
export function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return `heddle ${manifest.version}`;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder this repository stands in. */
export const CHECKOUT = join(import.meta.dirname, '..', '..');

/** Fetched programs; kept when data is deleted, for they hold nothing of anyone's. */
export const PROGRAMS = join(CHECKOUT, '.heddle', 'programs');

/** The versions of all that is not ours; compose, containers of tests and Maven use no others. */
export const VERSIONS = JSON.parse(readFileSync(join(CHECKOUT, 'infra', 'versions.json'), 'utf8')) as Readonly<
  Record<'kafka' | 'scala' | 'slf4j' | 'apicurio' | 'postgres' | 'mavenDependencyPlugin', string>
>;

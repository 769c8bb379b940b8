// Plain JavaScript, as is everything the start needs before a package is installed; the compiler checks it all the same.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder this repository stands in; the same from `src` and from `dist`. */
export const CHECKOUT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Fetched programs; kept when data is deleted, for they hold nothing of anyone's. */
export const PROGRAMS = join(CHECKOUT, '.heddle', 'programs');

/**
 * The versions of all that is not ours; compose, the containers of tests and Maven use no others.
 *
 * @type {Readonly<Record<'kafka' | 'scala' | 'slf4j' | 'apicurio' | 'postgres' | 'mavenDependencyPlugin', string>>}
 */
export const VERSIONS = JSON.parse(readFileSync(join(CHECKOUT, 'infra', 'versions.json'), 'utf8'));

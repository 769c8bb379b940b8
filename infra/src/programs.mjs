import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT, PROGRAMS, VERSIONS } from './checkout.mjs';
import { requireJava } from './java.mjs';
import { LaunchError } from './launch-error.mjs';

const exec = promisify(execFile);

/** Jars of the broker: the folder holds nothing else. */
export const BROKER_JARS = join(PROGRAMS, `kafka-${VERSIONS.kafka}`);

const REGISTRY_HOME = join(PROGRAMS, `apicurio-${VERSIONS.apicurio}`);

export const REGISTRY_JAR = join(REGISTRY_HOME, `apicurio-registry-app-${VERSIONS.apicurio}-runner.jar`);

export function hasPrograms() {
  return existsSync(BROKER_JARS) && existsSync(REGISTRY_JAR);
}

/**
 * Fetches broker and registry by Maven, once per version. A fetch that was broken off leaves nothing that looks whole.
 *
 * @throws LaunchError when Java or Maven is missing, or Maven fails.
 */
export async function fetchPrograms() {
  if (hasPrograms()) return;
  await requireJava({ maven: true });
  const draft = join(PROGRAMS, `draft-${process.pid}`);
  const jars = join(draft, 'kafka');
  const archive = join(draft, 'registry.tar.gz');
  const unpacked = join(draft, 'registry');
  await mkdir(unpacked, { recursive: true });
  try {
    await exec('mvn', mavenArguments(jars, archive), { maxBuffer: 64 * 1024 * 1024 });
    await exec('tar', ['-xzf', archive, '-C', unpacked]);
    await replace(jars, BROKER_JARS);
    await replace(unpacked, REGISTRY_HOME);
  } catch (cause) {
    const { stdout = '', message } = /** @type {Error & { stdout?: string }} */ (cause);
    const why = /\[ERROR\].*/.exec(stdout)?.[0] ?? message;
    throw new LaunchError(`Maven could not fetch the broker and the registry: ${why.slice(0, 400)}`, { cause });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Both in one run of Maven, for two would write its local repository at once. The parent pom of the registry is not
 * published, and later versions of the plugin insist on it, so 2.8 it is.
 *
 * @param {string} jars
 * @param {string} archive
 */
function mavenArguments(jars, archive) {
  const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${VERSIONS.mavenDependencyPlugin}`;
  return [
    '--quiet',
    '--batch-mode',
    '--file',
    join(CHECKOUT, 'infra', 'maven', 'pom.xml'),
    `-Dkafka=${VERSIONS.kafka}`,
    `-Dscala=${VERSIONS.scala}`,
    `-Dslf4j=${VERSIONS.slf4j}`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${jars}`,
    `-Dartifact=io.apicurio:apicurio-registry-app:${VERSIONS.apicurio}:tar.gz:all`,
    '-Dtransitive=false',
    `-Ddest=${archive}`,
    `${plugin}:copy-dependencies`,
    `${plugin}:get`,
  ];
}

/**
 * @param {string} from
 * @param {string} to
 */
async function replace(from, to) {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

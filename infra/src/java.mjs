import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LaunchError } from './launch-error.mjs';

const exec = promisify(execFile);

/** Options of both JVMs: a quick start is worth more here than peak speed. */
export const JVM_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** The least Java that broker and registry run on. */
const LEAST_JAVA = 17;

/**
 * Resolves when this machine can run broker and registry natively.
 *
 * @param {{ maven: boolean }} options `maven`: whether they have to be fetched, too
 * @throws LaunchError saying what to install, or how to go without.
 */
export async function requireJava({ maven: needsMaven }) {
  const [java, maven] = await Promise.all([javaVersion(), !needsMaven || answers('mvn', ['-v'])]);
  if (java >= LEAST_JAVA && maven) return;
  if ((await answers('docker', ['info'])) || (await answers('podman', ['info']))) {
    throw new LaunchError(
      `Broker and registry need Java ${LEAST_JAVA} or later and Maven, which are not here, but a container engine is: run \`docker compose up\`.`,
    );
  }
  const found = java === 0 ? 'no Java' : java < LEAST_JAVA ? `Java ${java}` : 'no Maven';
  throw new LaunchError(
    `Broker and registry need Java ${LEAST_JAVA} or later and Maven, and ${found} was found: install them (Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven; macOS: brew install openjdk@17 maven), or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to ones that run elsewhere.`,
  );
}

/** The major version of Java here; 0 where there is none. */
async function javaVersion() {
  try {
    const { stderr, stdout } = await exec('java', ['-version']);
    return Number(/version "(?:1\.)?(\d+)/.exec(stderr + stdout)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Whether a program is installed and runs.
 *
 * @param {string} command
 * @param {readonly string[]} args
 */
export async function answers(command, args) {
  try {
    await exec(command, [...args], { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

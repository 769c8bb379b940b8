import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { CHECKOUT, VERSIONS } from '@heddle/infra';

const exec = promisify(execFile);

const FOLDER = join(CHECKOUT, 'infra', 'maven', 'avro');
const JARS = join(CHECKOUT, '.heddle', 'programs', 'avro-1.12.0');
const PROGRAM = join(CHECKOUT, 'test', 'src', 'interop-avro', 'schema-verdicts.java');
const JAVA = 'java';
/** Source files are run as they are since Java 11; our broker needs 17. */
const LEAST_JAVA = 17;

export interface SchemaPair {
  reader: unknown;
  writer: unknown;
}

/** Why Apache Avro cannot be asked on this machine; undefined where it can. */
export async function whyNoJava(): Promise<string | undefined> {
  try {
    const { stdout } = await exec('javac', ['-version']);
    const version = Number(/javac (\d+)/.exec(stdout)?.[1]);
    if (!(version >= LEAST_JAVA)) return `javac is ${version}, and ${LEAST_JAVA} is needed`;
    await exec('mvn', ['-v']);
    return undefined;
  } catch (error) {
    return `${(error as { path?: string }).path ?? 'javac or mvn'} is not here`;
  }
}

/** What Apache Avro says of each pair, in their order: a word, and what is in the way behind it. One JVM for all. */
export async function javaVerdicts(pairs: readonly SchemaPair[]): Promise<string[]> {
  await fetchJars();
  const java = spawn(JAVA, ['-XX:+UseSerialGC', '-Xmx512m', '-cp', `${JARS}/*`, PROGRAM]);
  const failed = new Promise<never>((_resolve, reject) => java.once('error', reject));
  const closed = new Promise<number | null>((resolve) => java.once('close', resolve));
  const output = text(java.stdout);
  const errors = text(java.stderr);
  // What it has not read when it dies is told by its exit code.
  java.stdin.on('error', () => undefined);
  for (const { reader, writer } of pairs)
    java.stdin.write(`${JSON.stringify({ reader: JSON.stringify(reader), writer: JSON.stringify(writer) })}\n`);
  java.stdin.end();
  const code = await Promise.race([closed, failed]);
  const lines = (await output).trimEnd().split('\n');
  if (code !== 0 || lines.length !== pairs.length)
    throw new Error(
      `Java ended with ${code} after ${lines.length} of ${pairs.length}: ${(await errors).slice(0, 2000)}`,
    );
  return lines;
}

/** By Maven, once; a fetch that was broken off leaves nothing that looks whole. */
async function fetchJars(): Promise<void> {
  if (existsSync(JARS)) return;
  const draft = `${JARS}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  try {
    const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${VERSIONS.mavenDependencyPlugin}`;
    await exec('mvn', [
      ...['--quiet', '--batch-mode', '--file', join(FOLDER, 'pom.xml')],
      ...['-DincludeScope=runtime', `-DoutputDirectory=${draft}`, `${plugin}:copy-dependencies`],
    ]);
    await rename(draft, JARS);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

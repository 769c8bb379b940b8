import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Options of both JVMs: a quick start is worth more here than peak speed. */
export const JVM_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] as const;

/** The least Java that broker and registry run on. */
const LEAST_JAVA = 17;

/** What is missing on this machine to run broker and registry natively, as a sentence; nothing when all is there. */
export async function missingForNative(): Promise<string | undefined> {
  const [java, maven] = await Promise.all([javaVersion(), answers('mvn', ['-v'])]);
  if (java !== undefined && java >= LEAST_JAVA && maven) return undefined;
  const found =
    java === undefined ? 'no Java was found' : java < LEAST_JAVA ? `Java ${java} was found` : 'no Maven was found';
  return `The broker and the registry need Java ${LEAST_JAVA} or later and Maven, but ${found}: install them (Debian: apt-get install openjdk-17-jre-headless maven, macOS: brew install openjdk@17 maven), or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to ones that run elsewhere.`;
}

async function javaVersion(): Promise<number | undefined> {
  try {
    const { stderr, stdout } = await exec('java', ['-version']);
    const major = /version "(?:1\.)?(\d+)/.exec(stderr + stdout)?.[1];
    return major === undefined ? undefined : Number(major);
  } catch {
    return undefined;
  }
}

/** Whether a program is installed and runs. */
export async function answers(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await exec(command, [...args], { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CHECKOUT } from '@heddle/infra';

const exec = promisify(execFile);

/** A program of `test/interop`: how it is built, and then run. */
export interface Program {
  /** Nothing when its toolchain is here, else what is missing. */
  missing: string | undefined;
  /** Resolves with the command that runs it; what was built once from the same sources is used again. */
  build(): Promise<readonly string[]>;
}

const SOURCES = join(CHECKOUT, 'test', 'interop');
const BUILT = join(CHECKOUT, '.heddle', 'interop');
const CLOUD_EVENT_SCHEMA = join(SOURCES, 'cloud-event.json');
const QUICK_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:2.8';
const PYTHON = 'import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 14))';

const MISSING_JAVA =
  versionOf('javac', ['-version'], /javac (\d+)/) < 17
    ? 'no JDK 17 or later'
    : versionOf('mvn', ['-version'], /Maven (\d+)/) < 3
      ? 'no Maven'
      : undefined;

export const java = javaProgram('java', 'heddle.interop.Interop');
export const jms = javaProgram('jms', 'heddle.jms.Jms');

/** The Python of Debian, which has its own packages. */
const DEBIAN_PYTHON = '/usr/bin/python3';

export const proton: Program = {
  missing: succeeds(DEBIAN_PYTHON, ['-c', 'import proton']) ? undefined : 'no python3-qpid-proton',
  build: () => Promise.resolve([DEBIAN_PYTHON, join(SOURCES, 'proton', 'proton-client.py')]),
};

export const python = pythonProgram('python', 'interop.py');

/** A client of OData V2 for Python. */
export const pyodata = pythonProgram('pyodata', 'fetch.py');

/** Eclipse Paho, a client of MQTT. */
export const paho = pythonProgram('mqtt', 'session.py');

export const go: Program = {
  missing: versionOf('go', ['version'], /go1\.(\d+)/) < 26 ? 'no Go 1.26 or later' : undefined,
  build: async () => {
    const source = join(SOURCES, 'go');
    const home = await once(`go-${await hashOf(await filesOf(source))}`, async (folder) => {
      // With the tools that are here: another version of them is not fetched. What runs for a second is built quickly,
      // which takes two thirds of the time that building it well does.
      const quick = ['-gcflags=all=-N -l -dwarf=false', '-ldflags=-s -w'];
      const env = {
        ...process.env,
        GOTOOLCHAIN: 'local',
        GOFLAGS: '-buildvcs=false',
        GOCACHE: join(BUILT, 'go-cache'),
      };
      await exec('go', ['build', ...quick, '-o', join(folder, 'interop'), '.'], { cwd: source, env });
    });
    return [join(home, 'interop')];
  },
};

/** A consumer of S/4HANA, with the client library and the generator that are made for such. */
export const sapCloudSdk: Program = {
  missing: versionOf('npm', ['--version'], /^(\d+)/) < 9 ? 'no npm 9 or later' : undefined,
  build: async () => {
    const sources = await filesOf(join(SOURCES, 'sap-cloud-sdk'));
    const home = await once(`sap-cloud-sdk-${await hashOf(sources)}`, async (folder) => {
      for (const file of sources) await copyFile(file, join(folder, basename(file)));
      const wanted = [
        'install',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--no-package-lock',
      ];
      await exec('npm', wanted, { cwd: folder });
    });
    return [process.execPath, join(home, 'fetch.mjs')];
  },
};

function javaProgram(folder: string, main: string): Program {
  return {
    missing: MISSING_JAVA,
    build: async () => {
      const source = join(SOURCES, folder);
      const pom = join(source, 'pom.xml');
      const jars = await once(`${folder}-jars-${await hashOf([pom])}`, async (home) => {
        const wanted = ['-q', '-B', '-f', pom, '-DincludeScope=runtime', `-DoutputDirectory=${home}`];
        await inTurn(() => exec('mvn', [...wanted, `${DEPENDENCY_PLUGIN}:copy-dependencies`]));
      });
      const files = await filesOf(join(source, 'src'));
      const classes = await once(`${folder}-${await hashOf([pom, ...files])}`, async (home) => {
        await exec('javac', ['-d', home, '-cp', join(jars, '*'), ...files]);
      });
      return ['java', ...QUICK_START, '-cp', [classes, join(jars, '*')].join(delimiter), main];
    },
  };
}

/** Runs a program to its end; resolves with the lines it printed, each of them JSON. */
export async function runProgram<T>(
  [command = '', ...first]: readonly string[],
  args: readonly string[],
  { env, input = [] }: { env: Record<string, string>; input?: readonly object[] },
): Promise<T[]> {
  const child = spawn(command, [...first, ...args], { env: { ...process.env, CLOUD_EVENT_SCHEMA, ...env } });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  // One that fails before it has read all of it says why on its own.
  child.stdin.on('error', () => undefined).end(input.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}:\n${err.slice(-4000)}`);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** A script that has its packages in an environment of its own. */
function pythonProgram(folder: string, script: string): Program {
  return {
    missing: succeeds('python3', ['-c', PYTHON]) ? undefined : 'no Python 3.9 to 3.14 with venv and pip',
    build: async () => {
      const requirements = join(SOURCES, folder, 'requirements.txt');
      const home = await once(`${folder}-${await hashOf([requirements])}`, async (place) => {
        await exec('python3', ['-m', 'venv', place]);
        // Built packages only: a compiler is nothing that has to be here.
        const wanted = [
          'install',
          '--quiet',
          '--disable-pip-version-check',
          '--only-binary',
          ':all:',
          '-r',
          requirements,
        ];
        await exec(join(place, 'bin', 'pip'), wanted);
      });
      return [join(home, 'bin', 'python'), join(SOURCES, folder, script)];
    },
  };
}

/** Fills a folder once; one that was broken off is begun anew. */
async function once(name: string, fill: (home: string) => Promise<void>): Promise<string> {
  const home = join(BUILT, name);
  if (existsSync(join(BUILT, `${name}.whole`))) return home;
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await fill(home);
  await mkdir(join(BUILT, `${name}.whole`));
  return home;
}

/** Two Mavens would write the same local repository: one after another, whichever files of tests run side by side. */
async function inTurn(work: () => Promise<unknown>): Promise<void> {
  const turn = join(BUILT, 'maven-turn');
  for (;;) {
    try {
      await symlink(String(process.pid), turn);
      break;
    } catch {
      const holder = Number(await readlink(turn).catch(() => '0'));
      // One that was killed gives its turn to nobody.
      if (holder > 0 && !isRunning(holder)) await rm(turn, { force: true });
      else await delay(200);
    }
  }
  try {
    await work();
  } finally {
    await rm(turn, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex').slice(0, 12);
}

/** The number that a program's version begins with; 0 where there is no such program. */
function versionOf(command: string, args: readonly string[], pattern: RegExp): number {
  try {
    return Number(pattern.exec(execFileSync(command, [...args], { encoding: 'utf8', stdio: 'pipe' }))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, [...args], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

import { expect, it } from 'vitest';
import { FILES, linesOf, read } from './tree.js';

interface Manifest {
  name: string;
  license?: string;
  private?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const manifests = FILES.filter((file) => /(^|\/)package\.json$/.test(file)).map((file) => ({
  file,
  manifest: JSON.parse(read(file)) as Manifest,
}));

const dependencies = manifests.flatMap(({ file, manifest }) =>
  [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies, manifest.optionalDependencies].flatMap(
    (group) => Object.entries(group ?? {}).map(([name, version]) => ({ file, name, version })),
  ),
);

it('every version is exact', () => {
  expect(dependencies.length).toBeGreaterThan(0);
  const loose = dependencies.filter(({ version }) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version));
  expect(loose).toEqual([]);
});

it('all workspaces use one version of a package', () => {
  const versions = new Map<string, Set<string>>();
  for (const { name, version } of dependencies) {
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  const several = [...versions].filter(([, set]) => set.size > 1).map(([name, set]) => [name, ...set]);
  expect(several).toEqual([]);
});

it('the types of Node are those of the version that runs', () => {
  const major = (name: string): Set<string | undefined> =>
    new Set(dependencies.filter((dependency) => dependency.name === name).map(({ version }) => version.split('.')[0]));
  expect(major('@types/node')).toEqual(major('node'));
});

it('packages of ours are Apache-2.0, and none is published by accident', () => {
  const wrong = manifests.filter(({ manifest }) => manifest.license !== 'Apache-2.0' || manifest.private !== true);
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

it('the lock file says what is installed, not from where', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { resolved?: string; link?: true }>;
  };
  const packages = Object.entries(lock.packages);
  expect(packages.length).toBeGreaterThan(100);
  // A workspace is a link into this tree: its path is all there is to say.
  const named = packages.filter(([, entry]) => entry.resolved !== undefined && entry.link !== true);
  expect(named.map(([name]) => name)).toEqual([]);
});

it('no file names the host of a package registry', () => {
  // Dots in brackets, so that this file does not find itself.
  const host =
    /registry[.]npmjs[.]org|registry[.]yarnpkg[.]com|npm[.]pkg[.]github[.]com|repo1?[.]maven[.](apache[.])?org/i;
  const text = FILES.filter((file) => !/\.(png|jpg|gif|ico|zip|gz|jar)$/.test(file));
  expect(text.flatMap((file) => linesOf(file, host))).toEqual([]);
});

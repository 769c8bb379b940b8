import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '..');
const MAX_BYTES = 15 * 1024;

interface Manifest {
  exports: Record<string, { types: string; default: string; browser?: object }>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional: boolean }>;
}

it('what pages bundle needs nothing of Node, and is smaller than 15 KiB packed', async () => {
  const { code, imports } = await bundled('stream.ts');
  expect(imports).toEqual([]);
  expect(code).not.toMatch(/\b(process|Buffer|require)\b/);
  const { length } = gzipSync(code);
  process.stdout.write(`@heddle/client/stream: ${code.length} bytes, ${length} packed\n`);
  expect(length).toBeLessThan(MAX_BYTES);
});

it('pages that import the whole of it are given that part', () => {
  const { exports } = manifest();
  const { types, default: code } = exports['./stream']!;
  expect(exports['.']!.browser).toEqual({ types, default: code });
});

it('what services import needs nothing but Node', async () => {
  const { imports } = await bundled('index.ts');
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter((name) => !builtinModules.includes(name.replace('node:', '')))).toEqual([]);
  const { dependencies } = manifest();
  expect(dependencies).toBeUndefined();
});

it('what NestJS applications import besides is theirs already, and installed for nobody else', async () => {
  const { imports } = await bundled('nest.ts');
  const packages = imports.filter((name) => !builtinModules.includes(name.replace('node:', '')));
  const { peerDependencies, peerDependenciesMeta } = manifest();
  expect(Object.keys(peerDependencies!).toSorted()).toEqual(packages.toSorted());
  expect(packages.every((name) => peerDependenciesMeta![name]!.optional)).toBe(true);
});

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as Manifest;
}

/** One file with everything that this one needs; what it imports is from outside. */
async function bundled(entry: string): Promise<{ code: string; imports: string[] }> {
  const bundle = await rolldown({
    input: join(FOLDER, 'src', entry),
    platform: 'browser',
    external: [/^node:/, '@nestjs/common', 'rxjs'],
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    // What an import that leads nowhere would be.
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const [chunk, ...others] = output;
  expect(others).toEqual([]);
  return { code: chunk.code, imports: chunk.imports };
}

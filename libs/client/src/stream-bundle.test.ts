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
  const { exports } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as Manifest;
  const { types, default: code } = exports['./stream']!;
  expect(exports['.']!.browser).toEqual({ types, default: code });
});

it('what services import needs nothing but Node', async () => {
  const { imports } = await bundled('index.ts');
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter((name) => !builtinModules.includes(name.replace('node:', '')))).toEqual([]);
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as Manifest;
  expect([dependencies, peerDependencies]).toEqual([undefined, undefined]);
});

/** One file with everything that this one needs; what it imports is from outside. */
async function bundled(entry: string): Promise<{ code: string; imports: string[] }> {
  const bundle = await rolldown({
    input: join(FOLDER, 'src', entry),
    platform: 'browser',
    external: /^node:/,
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

#!/usr/bin/env node
// Stands here before anything is compiled, so that the installation has something to link to.
import { existsSync } from 'node:fs';

const LEAST_NODE_MAJOR = 22;
const main = new URL('../dist/main.js', import.meta.url);
if (Number(process.versions.node.split('.')[0]) < LEAST_NODE_MAJOR) {
  fail(`heddle needs Node ${LEAST_NODE_MAJOR} or later, and this is ${process.version}: npx heddle brings its own.`);
} else if (!existsSync(main)) {
  fail('heddle is not compiled yet: npm run build does it, and so does npm start.');
} else {
  await import(main.href);
}

function fail(reason) {
  process.stderr.write(`✖ ${reason}\n`);
  process.exitCode = 1;
}

import { inject } from 'vitest';

// Before each file: `inject('stack')` is the stack of the worker that runs it.
const own = inject('stacks')[Number(process.env['VITEST_POOL_ID']) - 1];
if (own === undefined) throw new Error(`There is no stack for worker ${process.env['VITEST_POOL_ID']}.`);
Object.assign(inject('stack'), own);

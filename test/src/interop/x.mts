import { go, java, python } from './programs.ts';
const t = Date.now();
await Promise.all(Object.entries({ java, python, go }).map(async ([n, p]) => { await p.build(); console.log(n, Date.now() - t); }));

// Makes the clients of a mesh and their secrets in a folder: node infra/clients.mjs DIR. Those that are there stay.
import { makeClients } from './src/clients.mjs';

const [dir] = process.argv.slice(2);
if (dir === undefined) throw new Error('Name the folder: node infra/clients.mjs DIR');
makeClients(dir);

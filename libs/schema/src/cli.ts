import { runSchemaCommand } from './command/schema-commands.js';

/*
 * npm run schemas [-- check | diff | push | pull | types …]: what the commands say of themselves. Without a word the
 * files are held to their rules, and their types written.
 */

const { argv, env, stdout, stderr } = process;
const io = {
  out: (line: string) => void stdout.write(`${line}\n`),
  err: (line: string) => void stderr.write(`${line}\n`),
  env,
  colour: stdout.isTTY && env['NO_COLOR'] === undefined,
};
const given = argv.slice(2);
for (const command of given.length === 0 ? [['check', '--offline'], ['types']] : [given]) {
  process.exitCode = await runSchemaCommand(command, io, 'npm run schemas --');
  if (process.exitCode !== 0) break;
}

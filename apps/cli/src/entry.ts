import type { Command, Entry } from './command.js';

/** The commands of an entry, each with the words it is called by. */
export async function commandsOf(entry: Entry): Promise<{ words: readonly string[]; command: Command }[]> {
  const loaded = await entry.load();
  if (!isGroup(loaded)) return [{ words: [entry.name], command: loaded }];
  return loaded.map((command) => ({ words: [entry.name, command.name], command }));
}

/** Whether an entry is a group of commands. */
export function isGroup(loaded: Command | readonly Command[]): loaded is readonly Command[] {
  return Array.isArray(loaded);
}

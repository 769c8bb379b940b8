import type { CommandIo } from './command.js';

const CODES = { red: 31, green: 32, yellow: 33 } as const;

/** Text in a colour, where lines may be coloured. */
export function painted(colour: keyof typeof CODES, text: string, { colour: isOn }: Pick<CommandIo, 'colour'>): string {
  return isOn ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

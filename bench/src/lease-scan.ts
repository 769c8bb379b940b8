const LEASE = Buffer.from('"lease":"');
const ID = Buffer.from('"id":"');
const DUE = Buffer.from('"dueAt":"');
const QUOTE = 0x22;
const ACCEPTED = Buffer.from('"state":"accepted"');

/** The tokens of all leases in a text of the gateway: found, not parsed, for a receiver that has no time for more. */
export function leasesIn(text: Buffer): string[] {
  return valuesIn(text, LEASE);
}

/** Where the ids of all events in a text begin. */
export function idsIn(text: Buffer): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(ID); at >= 0; at = text.indexOf(ID, at + ID.length)) places.push(at + ID.length);
  return places;
}

/** When each of the released deliveries is due, in the order of their settlements: milliseconds of the wall clock. */
export function duesIn(text: Buffer): number[] {
  return valuesIn(text, DUE).map((time) => Date.parse(time));
}

function valuesIn(text: Buffer, name: Buffer): string[] {
  const values: string[] = [];
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at)) {
    const begin = at + name.length;
    const end = text.indexOf(QUOTE, begin);
    values.push(text.toString('latin1', begin, end));
    at = end;
  }
  return values;
}

/** How many settlements were answered as accepted. */
export function acceptedIn(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(ACCEPTED); at >= 0; at = text.indexOf(ACCEPTED, at + ACCEPTED.length)) count += 1;
  return count;
}

/** The settlements that accept these leases, as the member of an object. */
export function settlementsText(leases: readonly string[]): string {
  return `"settlements":[${leases.map((lease) => `{"lease":"${lease}","action":"accept"}`).join(',')}]`;
}

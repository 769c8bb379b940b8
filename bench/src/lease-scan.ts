const LEASE = Buffer.from('"lease":"');
const QUOTE = 0x22;
const ACCEPTED = Buffer.from('"state":"accepted"');

/** The tokens of all leases in a text of the gateway: found, not parsed, for a receiver that has no time for more. */
export function leasesIn(text: Buffer): string[] {
  const leases: string[] = [];
  for (let at = text.indexOf(LEASE); at >= 0; at = text.indexOf(LEASE, at)) {
    const begin = at + LEASE.length;
    const end = text.indexOf(QUOTE, begin);
    leases.push(text.toString('latin1', begin, end));
    at = end;
  }
  return leases;
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

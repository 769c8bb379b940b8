/** The names of the processes of a mesh in groups, in the order they stop: who leans on others goes first. */
export const STOP_ORDER: readonly (readonly string[])[] = [
  ['gateway'],
  ['sales-order', 'business-partner', 'contract'],
  ['schema registry', 'PostgreSQL'],
  ['Kafka'],
];

/** The place of a process in that order. */
export function stopRank(name: string): number {
  return STOP_ORDER.findIndex((names) => names.includes(name));
}

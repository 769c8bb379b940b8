import type { SettleResult, Settlement, WireDelivery } from './delivery.js';

/** The subprotocol of queues (docs/reference/frames.md). */
export const SUBPROTOCOL = 'heddle.v1';

/** What the gateway takes at most. */
export const FRAME_LIMITS = { settlements: 1000, chars: 256 * 1024, credit: 10_000, resumed: 10_000 } as const;

/** What a client says. */
export type ClientFrame =
  | { kind: 'hello'; leaseMs?: number; batch?: number; resume?: { connection?: string; leases: string[] } }
  | { kind: 'credit'; add: number }
  | { kind: 'settle'; id: string; settlements: Settlement[] }
  | { kind: 'authenticate'; id: string; token: string };

/** What the gateway says, as far as it is understood here. */
export type ServerFrame =
  | {
      kind: 'ready';
      queue: string;
      connection: string;
      epoch: number;
      leaseMs: number;
      resumed?: { held: { lease: string }[]; lost: { lease: string; code: string }[]; returned: number };
    }
  | { kind: 'deliveries'; deliveries: WireDelivery[] }
  | { kind: 'settled'; id?: string; results: SettleResult[] }
  | { kind: 'authenticated'; id?: string; expiresAt: string }
  | { kind: 'problem'; id?: string; code: string; detail: string; status: number; retryable: boolean; field?: string }
  | { kind: 'closing'; reason: string };

/** Reads a frame of the gateway; undefined for a kind that is not known here, which clients pass over. */
export function readFrame(text: unknown): ServerFrame | undefined {
  const frame = JSON.parse(String(text)) as ServerFrame;
  return KINDS.has(frame.kind) ? frame : undefined;
}

const KINDS: ReadonlySet<string> = new Set<ServerFrame['kind']>([
  'ready',
  'deliveries',
  'settled',
  'authenticated',
  'problem',
  'closing',
]);

/** How many of these fit into a frame; at least one, if there is any. */
export function fitting(settlements: readonly Settlement[]): number {
  let chars = 0;
  for (const [at, { lease, reason = '' }] of settlements.entries()) {
    // What JSON adds, and escapes: a reason may become six times as long.
    chars += 100 + lease.length + reason.length * 6;
    if (at > 0 && chars > FRAME_LIMITS.chars) return at;
  }
  return settlements.length;
}

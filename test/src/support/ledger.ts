import { expect } from 'vitest';
import { call } from './http-call.js';

/** Where an event stands, as the ledger names it. */
interface EventRef {
  id: string;
  key: string;
  type: string;
  topic: string;
  partition: number;
  offset: number;
}

export interface AttemptView {
  event: EventRef;
  queue: string;
  cycle: string;
  receiver: { kind: string; name: string };
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  outcome: 'accepted' | 'released' | 'rejected' | 'expired';
  final?: 'accepted' | 'dead' | 'dropped';
  status?: number;
  excerpt?: string;
  request?: { url: string; headers: [string, string][] };
}

export interface DeadLetterView {
  id: string;
  event: EventRef;
  code: string;
  reason: string;
  attempts: number;
  lastAnswer?: string;
  state: 'open' | 'redriven';
  redriven?: { by: string; at: string };
}

export interface EventSummary {
  event: EventRef;
  raisedAt?: string;
  appendedAt?: string;
  deliveries: { queue: string; cycle: string; state: string; repeats: number; attempts: AttemptView[] }[];
  timeline: { at: string; what: string; queue?: string; cycle?: string; detail?: string }[];
}

export interface RedriveView {
  id: string;
  state: string;
  selected: number;
  placed: number;
  failed: number;
}

interface AuditView {
  who: string;
  from: string;
  action: string;
  target: string;
  result: string;
  detail?: Record<string, unknown>;
}

/** What happened, as the gateway tells it. */
export class LedgerReader {
  constructor(private readonly gateway: string) {}

  async deadLetters(query: Record<string, string>): Promise<DeadLetterView[]> {
    return (await this.#get<{ deadLetters: DeadLetterView[] }>('dead-letters', query)).deadLetters;
  }

  deadLetter(
    id: string,
  ): Promise<DeadLetterView & { deliveries: AttemptView[]; stored: { data: Record<string, unknown> } }> {
    return this.#get(`dead-letters/${id}`);
  }

  async attempts(query: Record<string, string>): Promise<AttemptView[]> {
    return (await this.#get<{ attempts: AttemptView[] }>('attempts', query)).attempts;
  }

  async event(id: string): Promise<EventSummary[]> {
    return (await this.#get<{ events: EventSummary[] }>(`events/${id}`)).events;
  }

  async ofObject(object: string, key: string): Promise<EventSummary[]> {
    return (await this.#get<{ events: EventSummary[] }>(`objects/${object}/${key}/events`)).events;
  }

  async operations(query: Record<string, string>): Promise<{ kind: string; name: string; detail: object }[]> {
    return (await this.#get<{ operations: { kind: string; name: string; detail: object }[] }>('operations', query))
      .operations;
  }

  async audit(query: Record<string, string>): Promise<AuditView[]> {
    return (await this.#get<{ entries: AuditView[] }>('audit', query)).entries;
  }

  /** 200 for a dry run, else 202. */
  async redrive(body: object, status: 200 | 202): Promise<RedriveView> {
    const answer = await call('POST', `${this.gateway}/v1/dead-letters/redrive`, { body });
    expect(answer.status, answer.text).toBe(status);
    return answer.json as RedriveView;
  }

  redriveOf(id: string): Promise<RedriveView> {
    return this.#get(`dead-letters/redrives/${id}`);
  }

  async #get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    const answer = await call('GET', `${this.gateway}/v1/${path}?${new URLSearchParams(query).toString()}`);
    expect(answer.status, answer.text).toBe(200);
    return answer.json as T;
  }
}

import type { CloudEvent } from './cloud-event.js';
import { RecentEvents, type SeenEvents } from './seen-events.js';
import { type ReceiverAnswer, WebhookAnswer, problemAnswer } from './webhook-answer.js';
import { type Consent, consentHeaders } from './webhook-consent.js';
import { type HeaderSource, type VerifiedWebhook, verifiedWebhook } from './webhook-request.js';
import { type WebhookKeys, WebhookRefused, WebhookVerifier } from './webhook-signature.js';

/** How the requests of a webhook are verified, and what is done with their events. */
export interface WebhookReceiverOptions extends WebhookKeys {
  /**
   * Works on an event. Once it has succeeded the event is safe here, and acknowledged; when it fails, it is tried again.
   * The sender waits for it, 15 s at most: what takes longer is to be stored first and done afterwards.
   */
  handle(event: CloudEvent, delivery: VerifiedWebhook): void | Promise<void>;
  /** Who may deliver; without, nobody is answered who asks before (webhooks are made without asking by default). */
  consent?: Consent;
  /** Remembers what was handled; the last 10,000 events in memory by default, nothing with `false`. */
  seen?: SeenEvents | false;
  /** Events of a batch that are worked on at a time; 16 by default. */
  concurrency?: number;
  /** Of a request; 8 MiB by default. */
  maxBodyBytes?: number;
  /** Hears of requests that are refused. */
  onRefused?(refused: WebhookRefused): void;
  /** Hears of handlers that failed. */
  onFailed?(error: unknown, event: CloudEvent): void;
}

/** A request, as any framework has it. */
export interface ReceivedRequest {
  method: string;
  headers: HeaderSource;
  /** The bytes as they came. */
  body: Uint8Array | string;
}

const MAX_BODY_BYTES = 8 * 1024 * 1024;
const ALLOW = { allow: 'POST, OPTIONS' };
const DONE: ReceiverAnswer = { status: 204, headers: {}, body: '' };

/** A receiver of webhooks, whatever framework brings the requests. */
export class WebhookReceiver {
  readonly maxBodyBytes: number;
  readonly #verifier: WebhookVerifier;
  readonly #seen: SeenEvents | undefined;
  readonly #underWay = new Map<string, Promise<void>>();

  /** @throws TypeError for keys that are none */
  constructor(private readonly options: WebhookReceiverOptions) {
    this.#verifier = new WebhookVerifier(options);
    this.maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES;
    this.#seen = options.seen === false ? undefined : (options.seen ?? new RecentEvents());
  }

  /** The answer to a request: 204 when all its events are handled. Never rejects. */
  async answer({ method, headers, body }: ReceivedRequest): Promise<ReceiverAnswer> {
    if (method === 'OPTIONS') return this.#consent(headers);
    if (method !== 'POST') return problemAnswer(405, 'method-unsupported', 'Events are delivered by POST.', ALLOW);
    if (body.length > this.maxBodyBytes) return tooLarge();
    let webhook: VerifiedWebhook;
    try {
      webhook = verifiedWebhook(this.#verifier, headers, body);
    } catch (error) {
      if (!(error instanceof WebhookRefused)) return problemAnswer(500, 'internal', String(error));
      this.options.onRefused?.(error);
      return problemAnswer(error.status, error.reason, error.message);
    }
    const errors = await this.#handleAll(webhook);
    return errors.length === 0 ? DONE : failureAnswer(errors);
  }

  /** The same for platforms that have `Request` and `Response`. */
  async fetch(request: Request): Promise<Response> {
    const { method, headers } = request;
    const body = new Uint8Array(await request.arrayBuffer());
    const answer = await this.answer({ method, headers, body });
    return new Response(answer.body === '' ? null : answer.body, { status: answer.status, headers: answer.headers });
  }

  #consent(headers: HeaderSource): ReceiverAnswer {
    const allowed = consentHeaders(this.options.consent, headers);
    if (allowed === undefined) return problemAnswer(403, 'origin-refused', 'This origin may not deliver here.', ALLOW);
    return { status: 200, headers: { ...ALLOW, ...allowed }, body: '' };
  }

  /** The errors of what failed. What was handled is not handled again when the same batch, or part of it, comes again. */
  async #handleAll(webhook: VerifiedWebhook): Promise<unknown[]> {
    const events = webhook.events.values();
    const errors: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const event of events) {
        try {
          await this.#handleOnce(event, webhook);
        } catch (error) {
          errors.push(error);
          if (!(error instanceof WebhookAnswer)) this.options.onFailed?.(error, event);
        }
      }
    };
    // Of a business key there is one event at most in a batch, so that their order is kept side by side, too.
    const workers = Math.min(this.options.concurrency ?? 16, webhook.events.length);
    await Promise.all(Array.from({ length: workers }, work));
    return errors;
  }

  /** A repeat that comes while the first is worked on shares its end. */
  async #handleOnce(event: CloudEvent, webhook: VerifiedWebhook): Promise<void> {
    // A replay brings the same event again, and is meant to. A test says nothing about what was done.
    const key = `${event.source} ${event.id} ${webhook.cycle ?? ''}`;
    if (this.#seen === undefined || webhook.isTest) return this.options.handle(event, webhook);
    let work = this.#underWay.get(key);
    if (work === undefined) {
      work = this.#handleUnseen(key, event, webhook, this.#seen).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, work);
    }
    return work;
  }

  async #handleUnseen(key: string, event: CloudEvent, webhook: VerifiedWebhook, seen: SeenEvents): Promise<void> {
    if (await seen.has(key)) return;
    await this.options.handle(event, webhook);
    await seen.add(key);
  }
}

/** Makes a receiver of webhooks; see `httpReceiver` and `fastifyReceiver` for how requests come to it. */
export function webhookReceiver(options: WebhookReceiverOptions): WebhookReceiver {
  return new WebhookReceiver(options);
}

export function tooLarge(): ReceiverAnswer {
  return problemAnswer(413, 'too-large', 'The body is larger than allowed.');
}

export function bodyParsed(): ReceiverAnswer {
  return problemAnswer(500, 'body-parsed', 'The receiver parses the body before its signature can be checked.');
}

/** Of several the one that asks for most: to stop, or to wait. */
function failureAnswer(errors: readonly unknown[]): ReceiverAnswer {
  const answers = errors.filter((error) => error instanceof WebhookAnswer);
  const answer = answers.find(({ status }) => status === 410) ?? answers.find(({ status }) => status !== 422);
  const unusable = answers.length === errors.length ? answers[0] : undefined;
  const { status, message, retryAfterSeconds } = answer ?? unusable ?? FAILED;
  const wait = retryAfterSeconds === undefined ? undefined : { 'retry-after': String(retryAfterSeconds) };
  return problemAnswer(status, CODES[status] ?? 'handler-failed', message, wait);
}

/** What went wrong here is nobody else's business: it is in the log of here. */
const FAILED = { status: 500, message: 'The event was not handled.', retryAfterSeconds: undefined };
const CODES: Record<number, string> = { 410: 'no-more', 422: 'event-unusable', 429: 'too-fast', 503: 'not-now' };

import { HeddleError, LOCAL_TENANT, typeMatcher } from '@heddle/event';
import type { QueueDefinition } from '../../queues/queue.js';
import { DispatchedEvent } from '../../represent.js';
import { type Consent, granted, initialConsent, isTokenOf, webhookOfToken } from './handshake.js';
import { Handshakes } from './handshakes.js';
import { RequestMaker } from './request-maker.js';
import { rotate } from './secrets.js';
import { changedWebhook } from './webhook-change.js';
import type { WebhookOperation, WebhookParts } from './webhook-ports.js';
import { type TestView, type WebhookView, attemptView, webhookView } from './webhook-view.js';
import { type WebhookDefinition, hasConsent } from './webhook.js';
import { type RotateRequest, type TestRequest, type WebhookRequest, queueSettingsOf } from './webhook.shape.js';

/** A webhook as it is answered, with the version that its ETag names. */
export interface WebhookAnswer {
  version: number;
  view: WebhookView;
}

/** The condition of a change: throws when the present version is not the one that was meant. */
export type VersionCheck = (version: number | undefined) => void;

/** Until a receiver is asked again whose answer could not be stored. */
const STORE_AGAIN_MS = 5000;

const ANY_VERSION: VersionCheck = () => undefined;

/**
 * The webhooks of the slots that this instance owns: what they are, who changes them, whether they may deliver. What a
 * change says is stored first and then done, one change after another, so that what is stored and what is at work
 * never differ.
 */
export class Webhooks {
  readonly #webhooks = new Map<string, WebhookDefinition>();
  readonly #handshakes: Handshakes;
  #changes: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: WebhookParts) {
    this.#handshakes = new Handshakes(parts.baseUrl, (webhook, consent) => this.#consented(webhook, consent));
  }

  /** Puts a stored webhook to work; for what is found when a slot is taken over. */
  adopt(webhook: WebhookDefinition): void {
    this.#webhooks.set(webhook.name, webhook);
    const queue = this.parts.queues.find(webhook.queue);
    if (queue !== undefined) this.parts.receivers.apply(webhook, queue);
    this.#handshakes.follow(webhook);
  }

  /** Knows a webhook no more, for its slot has another owner. Its receiver is ended by whoever ends the queue. */
  abandon(name: string): void {
    this.#webhooks.delete(name);
    this.#handshakes.forget(name);
  }

  list(): WebhookView[] {
    return [...this.#webhooks.values()].map((webhook) => this.#view(webhook));
  }

  /** @throws HeddleError `not-found` */
  get(name: string): WebhookAnswer {
    return this.#answer(this.#known(name));
  }

  /** The webhooks that read a queue; one that is read cannot be deleted. */
  readersOf(queue: string): string[] {
    return [...this.#webhooks.values()].filter((webhook) => webhook.queue === queue).map(({ name }) => name);
  }

  /**
   * Creates a webhook, or changes one: then the position of its queue stays. The answer comes when it is stored.
   *
   * @throws HeddleError `not-found` for the queue it names, `conflict` for one it cannot have, `data-invalid`
   */
  async put(
    name: string,
    request: WebhookRequest,
    check: VersionCheck = ANY_VERSION,
  ): Promise<WebhookAnswer & { created: boolean }> {
    return this.#inTurn(async () => {
      const before = this.#webhooks.get(name);
      check(before?.version);
      const { webhook, madeSecret } = changedWebhook(name, request, before, Date.now());
      if (before !== undefined && (before.queue !== webhook.queue || before.ownsQueue !== webhook.ownsQueue)) {
        throw new HeddleError(
          'conflict',
          `The webhook reads the queue ${before.queue}, and its place in that cannot move along: delete the webhook and create it with the other queue.`,
          { field: 'queue' },
        );
      }
      const queue = await this.#queueFor(webhook, request);
      await this.#store(webhook, queue, webhook.ownsQueue);
      this.#say(before === undefined ? 'webhook-created' : 'webhook-changed', webhook);
      const { view, version } = this.#answer(webhook);
      return {
        created: before === undefined,
        version,
        view: madeSecret === undefined ? view : { ...view, secret: madeSecret },
      };
    });
  }

  /** @throws HeddleError `not-found` */
  async delete(name: string, check: VersionCheck = ANY_VERSION): Promise<void> {
    await this.#inTurn(async () => {
      const webhook = this.#known(name);
      check(webhook.version);
      await this.parts.records.deleteWebhook(webhook, this.#ownQueue(webhook));
      this.abandon(name);
      await this.parts.receivers.remove(webhook);
      this.#say('webhook-deleted', webhook);
    });
  }

  /** Delivers nothing until resumed; every event is kept. @throws HeddleError `not-found` */
  async pause(name: string, check: VersionCheck = ANY_VERSION): Promise<WebhookAnswer> {
    return this.#change(name, check, 'webhook-paused', (webhook) => ({ ...webhook, paused: true }));
  }

  /** Goes on after a pause or after it was disabled, and asks again for consent that did not come. */
  async resume(name: string, check: VersionCheck = ANY_VERSION): Promise<WebhookAnswer> {
    return this.#change(name, check, 'webhook-resumed', ({ disabled: _cleared, ...webhook }) => {
      const { state } = webhook.consent;
      const isOver = state === 'refused' || state === 'expired';
      return { ...webhook, paused: false, ...(isOver ? { consent: initialConsent(webhook, Date.now()) } : {}) };
    });
  }

  /** For the receiver: delivers nothing until somebody resumes it. Does nothing when it is disabled already. */
  async disable(name: string, reason: string): Promise<void> {
    await this.#inTurn(async () => {
      const webhook = this.#webhooks.get(name);
      if (webhook === undefined || webhook.disabled !== undefined) return;
      const at = new Date().toISOString();
      await this.#store(next({ ...webhook, disabled: { at, reason } }), this.#queue(webhook));
      this.#say('webhook-disabled', webhook, reason);
    });
  }

  /** Adds a secret, which the answer shows once; those of its kind go on signing for the overlap. */
  async rotate(
    name: string,
    { kind, overlapSeconds }: RotateRequest,
    check: VersionCheck = ANY_VERSION,
  ): Promise<WebhookAnswer> {
    let made = '';
    const { version, view } = await this.#change(name, check, 'webhook-secret-rotated', (webhook) => {
      const { secrets, added } = rotate(webhook.secrets, kind, overlapSeconds * 1000, Date.now());
      made = added.secret;
      return { ...webhook, secrets };
    });
    return { version, view: { ...view, secret: made } };
  }

  /**
   * Consent that comes by the callback.
   *
   * @throws HeddleError `not-found` for a token that is not, or no longer, one of ours
   */
  async consent(token: string, rateHeader: string | undefined): Promise<{ webhook: string; state: Consent['state'] }> {
    return this.#inTurn(async () => {
      const of = webhookOfToken(token);
      const webhook = of?.tenant === LOCAL_TENANT ? this.#webhooks.get(of.name) : undefined;
      if (webhook === undefined || webhook.handshake === 'exempt' || !isTokenOf(webhook.consent, token)) {
        throw new HeddleError('not-found', 'Nobody waits for this consent (any more).', { field: 'token' });
      }
      const consent = granted(token, rateHeader?.trim(), webhook.handshake, Date.now());
      if (consent.state === 'refused') {
        throw new HeddleError('parameter-invalid', 'WebHook-Allowed-Rate is * or a whole number above zero.', {
          field: 'webhook-allowed-rate',
        });
      }
      await this.#storeConsent(webhook, consent);
      return { webhook: webhook.name, state: consent.state };
    });
  }

  /**
   * Sends an event to the receiver now, past all queues: a given stored one, or the example of a type. It is signed as
   * usual and marked as a test; nothing is settled by it.
   *
   * @throws HeddleError `not-found`, `type-unknown`, `credentials-unavailable`; `conflict` without the receiver's consent
   */
  async test(name: string, wish: TestRequest): Promise<TestView> {
    const webhook = this.#known(name);
    if (!hasConsent(webhook)) {
      throw new HeddleError('conflict', 'The receiver has not agreed to be delivered to.', { field: 'handshake' });
    }
    const { event, isSample } = await this.parts.samples.find(wish, typeMatcher(this.#queue(webhook).types));
    const dispatched = new DispatchedEvent(event, 0, '', this.parts.baseUrl);
    const lease = { event: dispatched, lane: '', attempt: 1, redelivery: 'no', cycle: '' } as const;
    const maker = new RequestMaker(webhook);
    await maker.ready();
    let request = maker.make([lease], true);
    let outcome = await this.parts.receivers.attempt(webhook, request);
    if (outcome.status === 401 && maker.refused(request)) {
      await maker.ready();
      request = maker.make([lease], true);
      outcome = await this.parts.receivers.attempt(webhook, request);
    }
    const { method, url, headers } = request.template;
    return {
      event: { id: event.attributes.id, type: event.attributes.type, isSample },
      request: { method, url, headers: [...headers, ...request.variable] },
      attempt: attemptView(outcome),
    };
  }

  /** Asks nobody for consent any more. */
  close(): void {
    this.#handshakes.close();
  }

  async #queueFor(webhook: WebhookDefinition, request: WebhookRequest): Promise<QueueDefinition> {
    const { queues } = this.parts;
    const present = queues.find(webhook.queue);
    if (!webhook.ownsQueue) {
      if (present !== undefined && !present.implicit) return present;
      throw new HeddleError(
        present === undefined ? 'not-found' : 'conflict',
        present === undefined
          ? `There is no queue ${webhook.queue}: create it first, or leave queue out for one of the webhook's own.`
          : `The queue ${webhook.queue} is the own one of another webhook.`,
        { field: 'queue' },
      );
    }
    if (present !== undefined && !present.implicit) {
      throw new HeddleError(
        'conflict',
        `There is a queue ${webhook.queue}, so that the webhook cannot bring its own: name it as queue, or take another name.`,
        { field: 'name' },
      );
    }
    return queues.defineOwn(webhook.queue, queueSettingsOf(request), present);
  }

  async #change(
    name: string,
    check: VersionCheck,
    event: WebhookOperation['event'],
    change: (webhook: WebhookDefinition) => WebhookDefinition,
  ): Promise<WebhookAnswer> {
    return this.#inTurn(async () => {
      const before = this.#known(name);
      check(before.version);
      const webhook = next(change(before));
      await this.#store(webhook, this.#queue(before));
      this.#say(event, webhook);
      return this.#answer(webhook);
    });
  }

  async #store(webhook: WebhookDefinition, queue: QueueDefinition, definesQueue = false): Promise<void> {
    await this.parts.records.putWebhook(webhook, definesQueue ? queue : undefined);
    this.#webhooks.set(webhook.name, webhook);
    this.parts.receivers.apply(webhook, queue);
    this.#handshakes.follow(webhook);
  }

  /** A state of the handshake that was come to by asking. */
  #consented(asked: WebhookDefinition, consent: Consent): void {
    const work = async (): Promise<void> => {
      const webhook = this.#webhooks.get(asked.name);
      const isStill =
        webhook !== undefined && 'token' in asked.consent && isTokenOf(webhook.consent, asked.consent.token);
      if (!isStill || webhook.consent.state === 'granted') return;
      // That it could not be reached is shown, but not stored each time: it is asked again after a restart anyway.
      if (consent.state === 'asking') this.#webhooks.set(webhook.name, { ...webhook, consent });
      else await this.#storeConsent(webhook, consent);
    };
    this.#inTurn(work).catch((error: unknown) => {
      const { log } = this.parts;
      log.error({ event: 'webhook-consent-lost', webhook: asked.name, err: error }, 'consent not stored, asking again');
      const webhook = this.#webhooks.get(asked.name);
      if (webhook !== undefined) this.#handshakes.follow(webhook, STORE_AGAIN_MS);
    });
  }

  /** Consent is no change that somebody made: the version stays, so that nobody's If-Match fails for it. */
  async #storeConsent(webhook: WebhookDefinition, consent: Consent): Promise<void> {
    const queue = this.#queue(webhook);
    await this.#store({ ...webhook, consent }, queue);
    this.#say('webhook-consent', webhook, consent.state);
  }

  #known(name: string): WebhookDefinition {
    const webhook = this.#webhooks.get(name);
    if (webhook === undefined) throw new HeddleError('not-found', `There is no webhook ${name}.`, { field: 'name' });
    return webhook;
  }

  /** The queue of a webhook at work, which is there as long as the webhook is. */
  #queue(webhook: WebhookDefinition): QueueDefinition {
    const queue = this.parts.queues.find(webhook.queue);
    if (queue !== undefined) return queue;
    throw new HeddleError('conflict', `The queue ${webhook.queue} of the webhook is gone.`, { field: 'queue' });
  }

  #ownQueue(webhook: WebhookDefinition): QueueDefinition | undefined {
    return webhook.ownsQueue ? this.parts.queues.find(webhook.queue) : undefined;
  }

  #answer(webhook: WebhookDefinition): WebhookAnswer {
    return { version: webhook.version, view: this.#view(webhook) };
  }

  #view(webhook: WebhookDefinition): WebhookView {
    const { queues, receivers } = this.parts;
    return webhookView(webhook, queues.find(webhook.queue), receivers.statistics(webhook));
  }

  #say(event: WebhookOperation['event'], { tenant, name, queue }: WebhookDefinition, detail?: string): void {
    const at = new Date().toISOString();
    const operation = { event, tenant, webhook: name, queue, at, ...(detail === undefined ? {} : { detail }) };
    this.parts.log.info(operation, event.replaceAll('-', ' '));
    this.parts.onOperation(operation);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changes.then(change, change);
    this.#changes = turn.catch(() => undefined);
    return turn;
  }
}

function next(webhook: WebhookDefinition): WebhookDefinition {
  return { ...webhook, version: webhook.version + 1, updatedAt: new Date().toISOString() };
}

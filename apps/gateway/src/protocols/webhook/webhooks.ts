import { type Caller, requirePermission } from '@heddle/auth';
import { HeddleError, slotOf, typeMatcher } from '@heddle/event';
import { type NamePage, pageByName } from '../../management/name-page.js';
import type { SlotWork } from '../../queues/ownership.js';
import { maySee, requireSight } from '../../queues/queue-rights.js';
import type { QueueDefinition } from '../../queues/queue.js';
import { DispatchedEvent } from '../../represent.js';
import { type Consent, granted, initialConsent, isTokenOf, webhookOfToken } from './handshake.js';
import { Handshakes } from './handshakes.js';
import { ownQueueOf } from './own-queue.js';
import { RequestMaker } from './request-maker.js';
import { SealUpkeep } from './seal-upkeep.js';
import { rotate } from './secrets.js';
import type { VersionCheck } from '../../management/version-check.js';
import { changedWebhook, nextVersion } from './webhook-change.js';
import type { WebhookOperation, WebhooksParts } from './webhook-ports.js';
import { admitUrls, elsewhere, refuseBinaryState, refuseUnreadable } from './webhook-refusals.js';
import { type TestView, type WebhookView, attemptView, webhookView } from './webhook-view.js';
import { type Subscription, type WebhookDefinition, hasConsent, nameOf } from './webhook.js';
import type { RotateRequest, TestRequest, WebhookRequest } from './webhook.shape.js';

/** A webhook as it is answered, with the version that its ETag names. */
export interface WebhookAnswer {
  version: number;
  view: WebhookView;
}

/** Until a receiver is asked again whose answer could not be stored. */
const STORE_AGAIN_MS = 5000;

const ANY_VERSION: VersionCheck = () => undefined;

/**
 * The webhooks of the slots that this instance owns: what they are, who changes them, whether they may deliver. What a
 * change says is stored first and then done, one change after another, so that what is stored and what is at work
 * never differ.
 */
export class Webhooks implements Pick<SlotWork, 'onTaken' | 'onLost'> {
  readonly #webhooks = new Map<string, WebhookDefinition>();
  readonly #handshakes: Handshakes;
  readonly #seals: SealUpkeep;
  #changes: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: WebhooksParts) {
    this.#handshakes = new Handshakes(parts.baseUrl, parts.network, (webhook, consent) =>
      this.#consented(webhook, consent),
    );
    this.#seals = new SealUpkeep(parts.safe, parts.log, {
      webhooks: () => this.#webhooks,
      inTurn: (change) => this.#inTurn(change),
      onReadable: (webhook) => {
        this.#webhooks.set(nameOf(webhook), webhook);
        this.#work(webhook);
        this.#say('webhook-readable', webhook);
      },
      onUnreadable: (webhook) => this.#say('webhook-unreadable', webhook, webhook.unreadable),
    });
  }

  /** Puts the webhooks of a slot to work; their queues are at work already. */
  onTaken({ slot }: { slot: number }): void {
    for (const webhook of this.parts.safe.inSlot(slot)) {
      this.#webhooks.set(nameOf(webhook), webhook);
      this.#work(webhook);
      this.#seals.attend(webhook);
    }
  }

  /** Another instance works on the webhooks of this slot now. */
  onLost(slot: number): void {
    for (const webhook of this.#webhooks.values()) {
      if (slotOf(webhook.tenant, webhook.queue) === slot) void this.#end(webhook);
    }
  }

  /** The webhooks that somebody may know of, by name; statistics of those at work here. */
  list(caller: Caller, page?: NamePage): WebhookView[] {
    const here = [...this.#webhooks.values()].filter(({ tenant }) => tenant === caller.tenant);
    const elsewhere = this.parts.safe.webhooks(caller.tenant).filter((webhook) => !this.#webhooks.has(nameOf(webhook)));
    const known = [...here, ...elsewhere].filter(({ name }) => maySee(caller, name));
    return pageByName(known, page).map((webhook) => this.#view(webhook));
  }

  /** @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  get(caller: Caller, name: string): WebhookAnswer {
    requireSight(caller, name);
    return this.#answer(this.#known(caller.tenant, name));
  }

  /**
   * Creates a webhook, or changes one: then the position of its queue stays. The answer comes when it is stored.
   *
   * @throws HeddleError `permission-missing` for the queue it names or a type it may not have, `not-found` for that
   *   queue, `conflict` for one it cannot have, `data-invalid`, `quota-exceeded`, `receiver-forbidden`,
   *   `queue-unchangeable`, `queue-elsewhere`
   */
  async put(
    caller: Caller,
    name: string,
    request: WebhookRequest,
    check: VersionCheck = ANY_VERSION,
    subscription?: Subscription,
  ): Promise<WebhookAnswer & { created: boolean }> {
    if (request.queue !== undefined) requirePermission(caller, 'consume', 'queue', request.queue);
    // Not in turn: one name that is slow to resolve would hold up the changes of all.
    await admitUrls(request, this.parts.network);
    const { tenant } = caller;
    return this.#inTurn(async () => {
      const before = this.#find(tenant, name);
      check(before?.version);
      const { webhook, madeSecret } = changedWebhook({ tenant, name }, request, before, Date.now(), subscription);
      if (before !== undefined && (before.queue !== webhook.queue || before.ownsQueue !== webhook.ownsQueue)) {
        throw new HeddleError(
          'conflict',
          `The webhook reads the queue ${before.queue}, and its place in that cannot move along: delete the webhook and create it with the other queue.`,
          { field: 'queue' },
        );
      }
      if (before === undefined) this.parts.admitWebhook?.(tenant);
      const ownQueue = await ownQueueOf(this.parts.queues, caller, webhook, request);
      refuseBinaryState(webhook, ownQueue ?? this.parts.queues.find(tenant, webhook.queue));
      await this.#store(webhook, ownQueue);
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
  async delete({ tenant }: Caller, name: string, check: VersionCheck = ANY_VERSION): Promise<void> {
    await this.#inTurn(async () => {
      const webhook = this.#known(tenant, name);
      check(webhook.version);
      const { safe, queues } = this.parts;
      const own = webhook.ownsQueue ? queues.find(tenant, webhook.queue) : undefined;
      if (own === undefined) await safe.deleteWebhook(webhook);
      else await safe.deleteQueue(own, [webhook]);
      await this.#end(webhook);
      if (own !== undefined) queues.drop(tenant, own.name);
      // What was read of the log may lag behind: whoever asks next is to find it gone.
      await safe.caughtUp(slotOf(webhook.tenant, webhook.queue));
      this.#say('webhook-deleted', webhook);
    });
  }

  /** Delivers nothing until resumed; every event is kept. @throws HeddleError `not-found` */
  async pause(caller: Caller, name: string, check: VersionCheck = ANY_VERSION): Promise<WebhookAnswer> {
    return this.#change(caller, name, check, 'webhook-paused', (webhook) => ({ ...webhook, paused: true }));
  }

  /** Goes on after a pause or after it was disabled, and asks again for consent that did not come. */
  async resume(caller: Caller, name: string, check: VersionCheck = ANY_VERSION): Promise<WebhookAnswer> {
    return this.#change(caller, name, check, 'webhook-resumed', ({ disabled: _cleared, ...webhook }) => {
      const { state } = webhook.consent;
      const isOver = state === 'refused' || state === 'expired';
      return { ...webhook, paused: false, ...(isOver ? { consent: initialConsent(webhook, Date.now()) } : {}) };
    });
  }

  /** Asks the receiver for its consent anew, unless it has agreed already. @throws HeddleError `not-found` */
  async handshake(caller: Caller, name: string): Promise<WebhookAnswer> {
    return this.#change(caller, name, ANY_VERSION, 'webhook-consent', (webhook) =>
      hasConsent(webhook) ? webhook : { ...webhook, consent: initialConsent(webhook, Date.now()) },
    );
  }

  /** For the receiver: delivers nothing until somebody resumes it. Does nothing when it is disabled already. */
  async disable({ tenant, name }: Pick<WebhookDefinition, 'tenant' | 'name'>, reason: string): Promise<void> {
    await this.#inTurn(async () => {
      const webhook = this.#webhooks.get(nameOf({ tenant, name }));
      if (webhook === undefined || webhook.disabled !== undefined) return;
      const at = new Date().toISOString();
      await this.#store(nextVersion({ ...webhook, disabled: { at, reason } }));
      this.#say('webhook-disabled', webhook, reason);
    });
  }

  /** Adds a secret, which the answer shows once; those of its kind go on signing for the overlap. */
  async rotate(
    caller: Caller,
    name: string,
    { kind, overlapSeconds }: RotateRequest,
    check: VersionCheck = ANY_VERSION,
  ): Promise<WebhookAnswer> {
    let made = '';
    const { version, view } = await this.#change(caller, name, check, 'webhook-secret-rotated', (webhook) => {
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
      const webhook = of === undefined ? undefined : this.#webhooks.get(nameOf(of));
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
   * Sends an event to the receiver now, past all queues: a given stored one, as the caller may see it, or the example of
   * a type. It is signed as usual and marked as a test; nothing is settled by it.
   *
   * @throws HeddleError `permission-missing` for a stored event of a type that the caller may not have; `not-found`,
   *   `type-unknown`, `credentials-unavailable`, `secret-unreadable`; `conflict` without the receiver's consent
   */
  async test(caller: Caller, name: string, wish: TestRequest): Promise<TestView> {
    const { tenant } = caller;
    const webhook = this.#known(tenant, name);
    refuseUnreadable(webhook);
    if (!hasConsent(webhook)) {
      throw new HeddleError('conflict', 'The receiver has not agreed to be delivered to.', { field: 'handshake' });
    }
    const { event, isSample } = await this.parts.samples.find(
      caller,
      wish,
      typeMatcher(this.parts.queues.find(tenant, webhook.queue)?.types ?? []),
    );
    const dispatched = new DispatchedEvent(event, 0, '', this.parts.baseUrl);
    const lease = { event: dispatched, lane: '', attempt: 1, redelivery: 'no', cycle: '' } as const;
    const maker = new RequestMaker(webhook, this.parts);
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
    this.#seals.close();
    this.#handshakes.close();
  }

  async #change(
    { tenant }: Caller,
    name: string,
    check: VersionCheck,
    event: WebhookOperation['event'],
    change: (webhook: WebhookDefinition) => WebhookDefinition,
  ): Promise<WebhookAnswer> {
    return this.#inTurn(async () => {
      const before = this.#known(tenant, name);
      check(before.version);
      const webhook = nextVersion(change(before));
      await this.#store(webhook);
      this.#say(event, webhook);
      return this.#answer(webhook);
    });
  }

  /** Stores a webhook, with its own queue where that is new or changed, and puts both to work as they are now. */
  async #store(webhook: WebhookDefinition, ownQueue?: QueueDefinition): Promise<void> {
    const { safe, queues } = this.parts;
    refuseUnreadable(webhook);
    if (ownQueue === undefined) await safe.putWebhook(webhook);
    else await safe.putQueue(ownQueue, webhook);
    if (ownQueue !== undefined) {
      if (queues.atWork(ownQueue.tenant, ownQueue.name) === undefined) queues.begin(ownQueue);
      else queues.redefine(ownQueue);
    }
    this.#webhooks.set(nameOf(webhook), webhook);
    this.#work(webhook);
  }

  #work(webhook: WebhookDefinition): void {
    if (webhook.unreadable !== undefined) return;
    const queue = this.parts.queues.atWork(webhook.tenant, webhook.queue);
    if (queue !== undefined) this.parts.receivers.apply(webhook, queue);
    this.#handshakes.follow(webhook);
  }

  async #end(webhook: WebhookDefinition): Promise<void> {
    this.#webhooks.delete(nameOf(webhook));
    this.#handshakes.forget(webhook);
    await this.parts.receivers.remove(webhook);
  }

  /** A state of the handshake that was come to by asking. */
  #consented(asked: WebhookDefinition, consent: Consent): void {
    const work = async (): Promise<void> => {
      const webhook = this.#webhooks.get(nameOf(asked));
      const isStill =
        webhook !== undefined && 'token' in asked.consent && isTokenOf(webhook.consent, asked.consent.token);
      if (!isStill || webhook.consent.state === 'granted') return;
      // That it could not be reached is shown, but not stored each time: it is asked again after a restart anyway.
      if (consent.state === 'asking') this.#webhooks.set(nameOf(webhook), { ...webhook, consent });
      else await this.#storeConsent(webhook, consent);
    };
    this.#inTurn(work).catch((error: unknown) => {
      const { log } = this.parts;
      log.error(
        { event: 'webhook-consent-lost', webhook: nameOf(asked), err: error },
        'consent not stored, asking again',
      );
      const webhook = this.#webhooks.get(nameOf(asked));
      if (webhook !== undefined) this.#handshakes.follow(webhook, STORE_AGAIN_MS);
    });
  }

  /** Consent is no change that somebody made: the version stays, so that nobody's If-Match fails for it. */
  async #storeConsent(webhook: WebhookDefinition, consent: Consent): Promise<void> {
    await this.#store({ ...webhook, consent });
    this.#say('webhook-consent', webhook, consent.state);
  }

  #known(tenant: string, name: string): WebhookDefinition {
    const webhook = this.#find(tenant, name);
    if (webhook === undefined) throw new HeddleError('not-found', `There is no webhook ${name}.`, { field: 'name' });
    return webhook;
  }

  #find(tenant: string, name: string): WebhookDefinition | undefined {
    const webhook = this.#webhooks.get(nameOf({ tenant, name }));
    if (webhook === undefined) {
      const there = this.parts.safe.webhook(tenant, name);
      const isElsewhere = there !== undefined && this.parts.queues.atWork(tenant, there.queue) === undefined;
      if (isElsewhere) throw elsewhere(there.queue);
    }
    return webhook;
  }

  #answer(webhook: WebhookDefinition): WebhookAnswer {
    return { version: webhook.version, view: this.#view(webhook) };
  }

  #view(webhook: WebhookDefinition): WebhookView {
    const { queues, receivers } = this.parts;
    return webhookView(webhook, queues.find(webhook.tenant, webhook.queue), receivers.statistics(webhook));
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

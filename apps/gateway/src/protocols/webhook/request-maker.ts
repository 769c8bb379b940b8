import type { RequestTemplate } from '../../ledger/attempt.js';
import { messageOf } from '../../messages/message.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { ReceiverNetwork } from '../../network/receiver-network.js';
import type { Lease } from '../../queues/lease.js';
import { encodeHeaderValue } from '../http/header-value.js';
import { Credentials } from './credentials.js';
import { SENSITIVE_HEADER, masked } from './masked.js';
import type { TlsIdentity } from './one-request.js';
import { Redaction } from './redaction.js';
import { Signer, batchId, messageId } from './signature.js';
import type { WebhookDefinition } from './webhook.js';
import {
  BATCH_CONTENT_TYPE,
  STRUCTURED_CONTENT_TYPE,
  batchBody,
  binaryForm,
  binaryHeaders,
  structuredBody,
} from './webhook.frames.js';

/** What requests are made with. */
export interface MakerParts {
  /** Where a token for the receiver may be asked for. */
  network: ReceiverNetwork;
  /** Under which topics go out. */
  namespaces: Namespaces;
}

const DEFAULT_CONTENT_TYPE = 'application/json';

/** One request to a receiver, ready to go. */
export interface MadeRequest {
  path: string;
  /** All headers, names and values in turn. */
  headers: string[];
  body: Buffer;
  /** The same object for every request of one definition, as it may be shown and kept: credentials are masked. */
  template: RequestTemplate;
  /** The headers that the template has not, names and values in turn; no credentials are among them. */
  variable: string[];
  /** The token that was used, to be named when the receiver answers 401. */
  token: string | undefined;
}

/**
 * Turns leases into requests to one webhook: CloudEvents over HTTP (structured, binary or batch) with the headers of
 * Standard Webhooks 1.0.0. Made anew when the definition changes.
 */
export class RequestMaker {
  readonly origin: string;
  readonly template: RequestTemplate;
  readonly #path: string;
  readonly #headers: string[];
  readonly #signer: Signer;
  readonly #credentials: Credentials;
  readonly #redaction: Redaction;
  readonly #mode: WebhookDefinition['contentMode'] | 'batch';
  readonly #defaultContentType: string;

  /** @param before the maker of the definition before this one; a token it has is kept where it still fits */
  constructor(
    definition: WebhookDefinition,
    private readonly parts: MakerParts,
    before?: RequestMaker,
  ) {
    const { name, url, contentMode, delivery, secrets, headers: custom, auth } = definition;
    const target = new URL(url);
    this.origin = target.origin;
    this.#path = target.pathname + target.search;
    this.#signer = new Signer(secrets);
    this.#credentials = new Credentials(auth, parts.network, before === undefined ? undefined : before.#credentials);
    this.#redaction = new Redaction(definition, before === undefined ? undefined : before.#redaction.alone);
    this.#mode = delivery.batch === undefined ? contentMode : 'batch';
    const ours = ['user-agent', 'heddle/0.1', 'heddle-webhook', name, ...originHeader(definition)];
    this.#defaultContentType = definition.defaultContentType ?? DEFAULT_CONTENT_TYPE;
    if (this.#mode === 'structured' || this.#mode === 'batch') {
      ours.push('content-type', this.#mode === 'batch' ? BATCH_CONTENT_TYPE : STRUCTURED_CONTENT_TYPE);
    }
    const pairs = Object.entries(custom);
    this.#headers = [...ours, ...pairs.flat(), ...this.#credentials.headers];
    this.template = {
      method: 'POST',
      url,
      headers: [
        ...ours,
        ...pairs.flatMap(([header, value]) => [header, shownHeader(header, value)]),
        ...this.#credentials.maskedHeaders,
      ],
    };
  }

  /** How connections to the receiver identify themselves, where they are to. */
  get tls(): TlsIdentity | undefined {
    return this.#credentials.tls;
  }

  /** What a receiver answered, without the secrets that it was sent and may say again. */
  redacted(excerpt: string): string {
    return this.#redaction.of(excerpt, this.#credentials.token);
  }

  /**
   * Nothing when a request can be made now, which is nearly always; else a promise to wait for before {@link make}.
   * It rejects with HeddleError `credentials-unavailable`: the attempt has failed and is to be tried again.
   */
  ready(): Promise<void> | undefined {
    return this.#credentials.ready();
  }

  /** The receiver answered 401. Returns whether the same is worth trying again at once, after {@link ready}. */
  refused({ token }: MadeRequest): boolean {
    return this.#credentials.refused(token);
  }

  /**
   * The request for these leases: one, unless the webhook takes batches. Signed now, for the time it is made.
   *
   * @param isTest marks a request that somebody asked for to see whether the webhook works
   */
  make(leases: readonly Lease[], isTest = false): MadeRequest {
    const [first] = leases;
    if (first === undefined) throw new RangeError('a request is made for at least one lease');
    const variable: string[] = [];
    let body: Buffer;
    let id: string;
    let { attempt, redelivery } = first;
    if (this.#mode === 'batch') {
      body = batchBody(leases);
      id = batchId(leases.map(({ event }) => event.stored.attributes.id));
      for (const lease of leases) {
        if (lease.attempt > attempt) ({ attempt } = lease);
        redelivery = surer(redelivery, lease.redelivery);
      }
    } else {
      body = this.#mode === 'raw' ? this.#raw(first, variable) : this.#event(first, variable);
      id = messageId(first.event.stored.attributes.id);
    }
    const timestamp = Math.floor(Date.now() / 1000);
    variable.push(
      'webhook-id',
      id,
      'webhook-timestamp',
      String(timestamp),
      'webhook-signature',
      this.#signer.sign(id, timestamp, body),
      'heddle-attempt',
      String(attempt),
      'heddle-redelivery',
      redelivery,
    );
    if (first.cycle !== '') variable.push('heddle-cycle', first.cycle);
    if (isTest) variable.push('heddle-test', 'true');
    const { token } = this.#credentials;
    const headers =
      token === undefined
        ? this.#headers.concat(variable)
        : this.#headers.concat('authorization', token).concat(variable);
    return { path: this.#path, headers, body, template: this.template, variable, token };
  }

  #event(lease: Lease, variable: string[]): Buffer {
    if (this.#mode !== 'binary') return structuredBody(lease);
    variable.push(...binaryHeaders(lease.event));
    return lease.event.as(binaryForm);
  }

  /** The message as SAP Event Mesh hands it on: its bytes, its content type, and where it was published to. */
  #raw(lease: Lease, variable: string[]): Buffer {
    const { contentType, body, address } = messageOf(lease, 'structured', this.parts.namespaces);
    variable.push('content-type', contentType === '' ? this.#defaultContentType : contentType);
    variable.push('x-address', encodeHeaderValue(address));
    return body;
  }
}

/** A custom header as it may be shown: one whose name speaks of a secret keeps it to itself. */
export function shownHeader(name: string, value: string): string {
  return SENSITIVE_HEADER.test(name) ? masked(value) : value;
}

/** After consent every delivery names the origin that asked for it (CloudEvents HTTP WebHook §4.1.1). */
function originHeader({ handshake }: WebhookDefinition): string[] {
  return handshake === 'exempt' ? [] : ['webhook-request-origin', handshake.origin];
}

/** Of a batch the least welcome is said: that some of it is, or may be, delivered again. */
function surer(one: Lease['redelivery'], other: Lease['redelivery']): Lease['redelivery'] {
  if (one === 'yes' || other === 'yes') return 'yes';
  return one === 'maybe' || other === 'maybe' ? 'maybe' : 'no';
}

import { setTimeout } from 'node:timers/promises';
import { type JWK, type KeyFinder, type SigningKey, createKeyPair, keyOf, tokenInvalid } from '@heddle/auth';
import { CONTROL_TOPICS, type ControlLog, type ControlRecord, type Follower, HeddleError } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Sealer } from './sealer.js';

/** A signing key as it stands in `heddle.keys`, under `signing/<generation>/<kid>`. */
export interface SigningKeyRecord {
  format: 1;
  generation: number;
  kid: string;
  publicJwk: JWK;
  /** The private key, as the vault sealed it. */
  sealed: string;
  /** Milliseconds since 1970 from which on it signs. */
  signsFrom: number;
}

interface Generation {
  record: SigningKeyRecord;
  offset: number;
  publicKey: Awaited<ReturnType<typeof keyOf>>;
  /** Nothing while the vault cannot open it: others sign with it, and what they sign is believed. */
  signing: SigningKey | undefined;
}

export interface SigningKeysParts {
  controlLog: ControlLog;
  sealer: Sealer;
  log: Log;
  /** Milliseconds for which a key signs. */
  periodMs: number;
  /** Milliseconds for which a token may be good after it was signed; a key is published for so long after its last. */
  tokenLifeMs: number;
  /** Milliseconds for which a key is published before it signs (a third of the period, 10 minutes at most). */
  announceMs?: number;
}

const TOPIC = CONTROL_TOPICS.keys;
const PARTITION = 0;
const PREFIX = 'signing/';
/** Of the mesh itself: no tenant has this name. */
const SEALED_FOR = 'heddle';
const LOOK_MS = 5000;
const OPEN_AGAIN_MS = 100;
const OPEN_TRIES = 30;
const MARGIN_MS = 120_000;

/**
 * The keys that sign access tokens, the same at every instance. The next key is published before it signs, so that
 * whoever keeps the key set for a while knows it by then, and the last one stays until its tokens are over. Instances
 * that propose a key for the same generation agree without a word: the first in the log is it.
 */
export class SigningKeys {
  readonly #generations = new Map<number, Generation>();
  #applying: Promise<void> = Promise.resolve();
  #looking: Promise<void> | undefined;
  #follower: Follower | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #announceMs: number;

  constructor(private readonly parts: SigningKeysParts) {
    this.#announceMs = parts.announceMs ?? Math.min(600_000, parts.periodMs / 3);
  }

  /**
   * Resolves when there is a key that signs; `heddle.keys` must be there.
   *
   * @throws HeddleError `secret-unreadable` when it cannot open the key that all others sign with
   */
  async start(): Promise<void> {
    this.#follower = await this.parts.controlLog.follow(TOPIC, (record) => this.#take(record));
    await this.#applying;
    // First of all: who cannot open the keys that there are adds none of its own to them.
    if (this.#generations.size > 0) await this.#openable();
    await this.look();
    await this.#openable();
    this.#timer = setInterval(() => void this.look().catch((error: unknown) => this.#say(error)), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#follower?.stop();
    await this.#applying;
  }

  /** The key that signs now. @throws HeddleError `log-unavailable` before there is one */
  current(): SigningKey {
    const now = Date.now();
    const usable = [...this.#generations.values()].filter(
      ({ signing, record }) => signing !== undefined && hasBegun(record, now),
    );
    const signing = usable.toSorted((one, other) => other.record.generation - one.record.generation)[0]?.signing;
    if (signing === undefined) throw new HeddleError('log-unavailable', 'There is no key that signs tokens yet.');
    return signing;
  }

  /** The key of a token of ours. */
  readonly find: KeyFinder = async ({ kid, alg }) => {
    const found = (): Generation | undefined =>
      [...this.#generations.values()].find(({ record }) => record.kid === kid && record.publicJwk.alg === alg);
    if (found() === undefined) await this.#applying;
    const known = found();
    if (known === undefined) throw tokenInvalid('its key is not one of ours, or is over');
    return known.publicKey;
  };

  /** The key set (RFC 7517), the newest first. */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.#generations.values()].map(({ record }) => record.publicJwk).toReversed() };
  }

  /** Publishes the next key when it is time for it, and takes back what is over. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    await this.#applying;
    const failure = await this.#openRest();
    if (failure !== undefined) this.#say(failure);
    const now = Date.now();
    const newest = [...this.#generations.keys()].reduce((one, other) => Math.max(one, other), 0);
    const last = this.#generations.get(newest)?.record;
    if (last === undefined) await this.#propose(1, now);
    else if (last.signsFrom + this.parts.periodMs - this.#announceMs <= now) {
      await this.#propose(newest + 1, now + this.#announceMs);
    }
    await this.#retire(now);
  }

  async #propose(generation: number, signsFrom: number): Promise<void> {
    const { publicJwk, privateJwk } = await createKeyPair();
    const kid = publicJwk.kid!;
    const sealed = await this.parts.sealer.seal(SEALED_FOR, contextOf(kid), JSON.stringify(privateJwk));
    const record: SigningKeyRecord = { format: 1, generation, kid, publicJwk, sealed, signsFrom };
    const key = keyOfRecord(record);
    const [offset = 0] = await this.parts.controlLog.put(TOPIC, [{ partition: PARTITION, key, value: record }]);
    await this.#follower?.reached(PARTITION, offset);
    await this.#applying;
    const agreed = this.#generations.get(generation)?.record.kid;
    if (agreed === kid) {
      this.parts.log.info(
        { event: 'signing-key-published', kid, generation, signsFrom },
        'a signing key was published',
      );
    } else await this.parts.controlLog.put(TOPIC, [{ partition: PARTITION, key, value: null }]);
  }

  /** Takes back keys whose tokens are over: the key after it signs for longer than tokens live. */
  async #retire(now: number): Promise<void> {
    for (const { record } of this.#generations.values()) {
      const next = this.#generations.get(record.generation + 1)?.record;
      if (next === undefined || next.signsFrom + this.parts.tokenLifeMs + MARGIN_MS > now) continue;
      await this.parts.controlLog.put(TOPIC, [{ partition: PARTITION, key: keyOfRecord(record), value: null }]);
    }
  }

  /** One after the other, in the order of the log: a key is imported before it is used. */
  #take({ key, value, offset }: ControlRecord): void {
    if (!key.startsWith(PREFIX)) return;
    this.#applying = this.#applying
      .then(() => (value === null ? this.#forget(key) : this.#know(value as SigningKeyRecord, offset)))
      .catch((error: unknown) => this.#say(error));
  }

  #forget(key: string): void {
    for (const [generation, { record }] of this.#generations) {
      if (keyOfRecord(record) === key) this.#generations.delete(generation);
    }
  }

  async #know(record: SigningKeyRecord, offset: number): Promise<void> {
    const known = this.#generations.get(record.generation);
    if (known !== undefined && known.offset <= offset) return;
    const publicKey = await keyOf(record.publicJwk);
    const generation: Generation = { record, offset, publicKey, signing: undefined };
    this.#generations.set(record.generation, generation);
    await this.#tryToOpen(generation);
  }

  #signs(now: number): Generation | undefined {
    const begun = [...this.#generations.values()].filter(({ record }) => hasBegun(record, now));
    return begun.toSorted((one, other) => other.record.generation - one.record.generation)[0];
  }

  /** What another instance sealed may come here before the vault knows what it was sealed with. */
  async #openRest(): Promise<unknown> {
    let failure: unknown;
    for (const generation of this.#generations.values()) {
      if (generation.signing === undefined) failure = (await this.#tryToOpen(generation)) ?? failure;
    }
    return failure;
  }

  async #tryToOpen(generation: Generation): Promise<unknown> {
    const { record } = generation;
    try {
      const privateKey = await keyOf(this.#open(record));
      generation.signing = { kid: record.kid, alg: record.publicJwk.alg!, privateKey };
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Without the key that all others sign with this instance could not do its work: then it does not start. */
  async #openable(): Promise<void> {
    for (let tries = 0; this.#signs(Date.now())?.signing === undefined; tries += 1) {
      const failure = await this.#openRest();
      if (tries >= OPEN_TRIES) throw failure === undefined ? noKey() : notOpened(failure);
      await setTimeout(OPEN_AGAIN_MS);
    }
  }

  #open({ kid, sealed }: SigningKeyRecord): JWK {
    return JSON.parse(this.parts.sealer.open(SEALED_FOR, contextOf(kid), sealed)) as JWK;
  }

  #say(error: unknown): void {
    this.parts.log.error({ event: 'signing-keys-failed', err: error }, 'signing keys could not be read or written');
  }
}

function noKey(): HeddleError {
  return new HeddleError('log-unavailable', 'There is no signing key.');
}

function notOpened(cause: unknown): HeddleError {
  return new HeddleError(
    'secret-unreadable',
    'The keys that sign tokens open with no master key given here: add the one that sealed them to HEDDLE_MASTER_KEY, or, where it is lost, see docs/guides/secrets.md.',
    { cause },
  );
}

/** The first one signs at once, also where another clock made it. */
function hasBegun({ generation, signsFrom }: SigningKeyRecord, now: number): boolean {
  return generation === 1 || signsFrom <= now;
}

function keyOfRecord({ generation, kid }: SigningKeyRecord): string {
  return `${PREFIX}${generation}/${kid}`;
}

function contextOf(kid: string): string {
  return `signing/${kid}`;
}

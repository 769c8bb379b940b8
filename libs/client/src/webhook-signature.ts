import { type KeyObject, createHmac, createPublicKey, createSecretKey, timingSafeEqual, verify } from 'node:crypto';

/** Why a webhook is refused. */
export type WebhookFailure =
  /** One of webhook-id, webhook-timestamp and webhook-signature is missing, or came twice. */
  | 'header-missing'
  /** One of them has a form that none has. */
  | 'header-invalid'
  /** Signed too long ago: a replay, or a clock that is wrong. */
  | 'timestamp-too-old'
  /** Signed in the future: a clock is wrong. */
  | 'timestamp-too-new'
  /** None of the signatures was made with a key that is known, over these bytes. */
  | 'signature-mismatch'
  | 'content-type-unsupported'
  | 'body-invalid'
  | 'event-invalid';

/** A request that is not, or not provably, a delivery. `status` is what to answer it with. */
export class WebhookRefused extends Error {
  readonly reason: WebhookFailure;
  readonly status: number;

  constructor(reason: WebhookFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'WebhookRefused';
    this.reason = reason;
    this.status = reason === 'content-type-unsupported' ? 415 : /^(body|event)-/.test(reason) ? 400 : 401;
  }
}

/** What signatures are verified with. At least one is needed; while a secret is changed, both. */
export interface WebhookKeys {
  /** `v1`: `whsec_…`, as the gateway showed it once. */
  secrets?: readonly string[] | undefined;
  /** `v1a`: `whpk_…`, as the gateway shows it for an ed25519 secret. */
  publicKeys?: readonly string[] | undefined;
  /** How old, or early, a signature may be; 300 s by default. */
  toleranceSeconds?: number | undefined;
}

/** What a signature was verified over. */
export interface SignedBy {
  /** The same at every attempt. */
  id: string;
  /** Seconds since 1970, of this attempt. */
  timestamp: number;
}

const TOLERANCE_S = 300;
const SECRET = /^(?:whsec_)?((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/;
const PUBLIC_KEY = /^(?:whpk_)?([A-Za-z0-9+/]{43}=?)$/;
const SECRET_BYTES = { least: 16, most: 128 };
/** Printable ASCII without a dot, which separates the parts that are signed: with one, parts could be moved. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,256}$/;
const TIMESTAMP = /^[1-9][0-9]{0,11}$/;
/** As one signature of each kind is written; nothing else says the same in other characters. */
const V1 = /^v1,([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/;
const V1A = /^v1a,([A-Za-z0-9+/]{85}[AQgw]==)$/;
/** Each costs a verification, made by whoever asks: more than any sender has. */
const MAX_SIGNATURES = 10;

/** Verifies signatures of Standard Webhooks 1.0.0, of both kinds, with any of several keys. */
export class WebhookVerifier {
  readonly #secrets: readonly KeyObject[];
  readonly #publicKeys: readonly KeyObject[];
  readonly #toleranceSeconds: number;

  /** @throws TypeError for keys that are none, so that a mistake shows at the start */
  constructor({ secrets = [], publicKeys = [], toleranceSeconds = TOLERANCE_S }: WebhookKeys) {
    if (secrets.length + publicKeys.length === 0) throw new TypeError('A secret or a public key is needed.');
    if (!(toleranceSeconds > 0)) throw new TypeError('toleranceSeconds must be above 0.');
    this.#secrets = secrets.map(secretKey);
    this.#publicKeys = publicKeys.map(publicKey);
    this.#toleranceSeconds = toleranceSeconds;
  }

  /**
   * @param header the value of a header, by its name in lower case
   * @param body the bytes as they came
   * @param now milliseconds since 1970
   * @throws WebhookRefused
   */
  verify(header: (name: string) => string | undefined, body: Uint8Array, now = Date.now()): SignedBy {
    const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) => {
      const value = header(`webhook-${name}`);
      if (value === undefined || value === '')
        throw new WebhookRefused('header-missing', `There is no webhook-${name}.`);
      return value;
    }) as [string, string, string];
    if (!ID.test(id)) throw new WebhookRefused('header-invalid', 'The webhook-id is none.');
    if (!TIMESTAMP.test(timestamp)) throw new WebhookRefused('header-invalid', 'The webhook-timestamp is none.');
    const seconds = Number(timestamp);
    this.#checkTime(seconds, now);
    this.#checkSignatures(signatures, Buffer.from(`${id}.${timestamp}.`), body);
    return { id, timestamp: seconds };
  }

  #checkTime(seconds: number, now: number): void {
    const age = now / 1000 - seconds;
    if (age > this.#toleranceSeconds) {
      throw new WebhookRefused('timestamp-too-old', `It was signed ${Math.round(age)} s ago.`);
    }
    if (age < -this.#toleranceSeconds) {
      throw new WebhookRefused('timestamp-too-new', `It was signed ${Math.round(-age)} s in the future.`);
    }
  }

  #checkSignatures(header: string, start: Uint8Array, body: Uint8Array): void {
    const given = header.split(' ');
    if (given.length > MAX_SIGNATURES) throw new WebhookRefused('header-invalid', 'There are too many signatures.');
    const macs = given.flatMap((signature) => V1.exec(signature)?.[1] ?? []);
    const signatures = given.flatMap((signature) => V1A.exec(signature)?.[1] ?? []);
    let isValid = false;
    // All of them, whichever fits: how long it takes says nothing about which one does.
    if (macs.length > 0) {
      for (const secret of this.#secrets) {
        const expected = createHmac('sha256', secret).update(start).update(body).digest();
        for (const mac of macs) if (timingSafeEqual(Buffer.from(mac, 'base64'), expected)) isValid = true;
      }
    }
    if (signatures.length > 0 && this.#publicKeys.length > 0) {
      const signed = Buffer.concat([start, body]);
      for (const key of this.#publicKeys) {
        for (const one of signatures) if (verify(null, signed, key, Buffer.from(one, 'base64'))) isValid = true;
      }
    }
    if (!isValid) throw new WebhookRefused('signature-mismatch', 'No signature fits these bytes and a key known here.');
  }
}

function secretKey(secret: string): KeyObject {
  const bytes = Buffer.from(SECRET.exec(secret)?.[1] ?? '', 'base64');
  if (bytes.length < SECRET_BYTES.least || bytes.length > SECRET_BYTES.most) {
    // Not named: it may be one, mistyped.
    throw new TypeError('A secret is whsec_ and 24 to 64 bytes in base64.');
  }
  return createSecretKey(bytes);
}

function publicKey(key: string): KeyObject {
  const bytes = Buffer.from(PUBLIC_KEY.exec(key)?.[1] ?? '', 'base64');
  if (bytes.length !== 32) throw new TypeError('A public key is whpk_ and 32 bytes in base64.');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' });
}

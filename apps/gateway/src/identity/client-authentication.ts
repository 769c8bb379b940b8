import { createHash, createHmac, randomBytes } from 'node:crypto';
import { Recent, isSecretOf, keyOf, likeWrongSecret, tokenInvalid, verifyJwt } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { ClientDirectory } from './client-directory.js';
import { thumbprintOf } from './client-certificate.js';
import { type ClientRecord, secretsNow } from './client.js';
import { TokenRefusal } from './token-refusal.js';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Seconds that an assertion may be good for. */
const MAX_ASSERTION_S = 300;
const MAX_SECRET = 512;
const MAX_PROVEN = 2000;

/** What a token request says of who asks. */
export interface ClientClaim {
  authorization: string | undefined;
  form: ReadonlyMap<string, string>;
  /** The thumbprint of the certificate that the connection has shown. */
  certificate?: string | undefined;
}

/** Tells whether whoever asks for a token is the client that it says it is. */
export class ClientAuthentication {
  /** Secrets that were right before, so that who comes often costs no scrypt; as they cannot be read back. */
  readonly #proven = new Recent<true>(MAX_PROVEN);
  readonly #provenKey = randomBytes(32);

  /** @param audiences what an assertion may be for: the token endpoint, and the issuer */
  constructor(
    private readonly directory: ClientDirectory,
    private readonly audiences: readonly string[],
  ) {}

  /**
   * By one of client_secret_basic, client_secret_post (RFC 6749 §2.3.1), private_key_jwt (RFC 7523 §2.2) and
   * self_signed_tls_client_auth (RFC 8705 §2.2).
   *
   * @throws TokenRefusal `invalid_client`, `invalid_request`; HeddleError `busy`, `log-unavailable`
   */
  async authenticate({ authorization, form, certificate }: ClientClaim): Promise<ClientRecord> {
    const assertion = form.get('client_assertion');
    const posted = form.get('client_secret');
    if ([authorization, assertion, posted].filter((way) => way !== undefined).length > 1) {
      throw new TokenRefusal('invalid_request', 'authenticate in one way, not in several');
    }
    if (assertion !== undefined) return this.#byAssertion(assertion, form);
    if (posted !== undefined) return this.#bySecret([[form.get('client_id') ?? '', posted]]);
    if (authorization !== undefined) return this.#bySecret(basicPairs(authorization));
    if (certificate !== undefined) return this.#byCertificate(certificate, form.get('client_id') ?? '');
    throw new TokenRefusal('invalid_client', 'authenticate with Basic, client_secret or a client assertion');
  }

  async #bySecret(pairs: readonly (readonly [id: string, secret: string])[]): Promise<ClientRecord> {
    for (const [id, secret] of pairs) {
      const client = this.directory.byId(id);
      if (await this.#hasSecret(client, secret)) return usable(client!);
    }
    throw wrong();
  }

  async #hasSecret(client: ClientRecord | undefined, secret: string): Promise<boolean> {
    if (secret.length > MAX_SECRET) return false;
    const secrets = client === undefined ? [] : secretsNow(client);
    // As long for who is not there as for who is.
    if (secrets.length === 0) return likeWrongSecret(secret);
    const proofs = secrets.map(({ hash }) =>
      createHmac('sha256', this.#provenKey).update(`${hash}\n${secret}`).digest('base64url'),
    );
    if (proofs.some((proof) => this.#proven.get(proof) === true)) return true;
    for (const [index, { hash }] of secrets.entries()) {
      if (!(await isSecretOf(secret, hash))) continue;
      this.#proven.set(proofs[index]!, true);
      return true;
    }
    return false;
  }

  /** The certificate itself is registered, so it need be signed by nobody (RFC 8705 §2.2). */
  #byCertificate(shown: string, id: string): ClientRecord {
    const client = this.directory.byId(id);
    const isKnown = client?.certificates?.some((certificate) => thumbprintOf(certificate) === shown) === true;
    if (!isKnown) throw wrong();
    return usable(client!);
  }

  async #byAssertion(assertion: string, form: ReadonlyMap<string, string>): Promise<ClientRecord> {
    if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
      throw new TokenRefusal('invalid_request', `client_assertion_type is ${ASSERTION_TYPE}`);
    }
    const id = form.get('client_id') ?? subjectOf(assertion);
    const client = this.directory.byId(id);
    if (client === undefined || client.keys.length === 0) throw wrong();
    const { jti, endsAt } = await this.#verified(assertion, id, client);
    if (!(await this.directory.once.use(`assertion/${id}/${digest(jti)}`, endsAt))) {
      throw new TokenRefusal('invalid_client', 'this assertion was used before');
    }
    return usable(client);
  }

  async #verified(assertion: string, id: string, { keys }: ClientRecord): Promise<{ jti: string; endsAt: number }> {
    try {
      const claims = await verifyJwt(assertion, {
        issuer: id,
        audience: this.audiences,
        types: ['jwt', 'client-authentication+jwt'],
        isTypeOptional: true,
        key: ({ kid, alg }) => {
          const key = keys.find((jwk) => jwk.alg === alg && (kid === undefined || jwk.kid === kid));
          if (key === undefined) throw tokenInvalid('its key is not registered');
          return keyOf(key);
        },
      });
      const { sub, jti, exp } = claims;
      if (sub !== id) throw tokenInvalid('sub and iss are the client id');
      if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw tokenInvalid('it has no jti');
      const endsAt = Number(exp) * 1000;
      if (endsAt > Date.now() + MAX_ASSERTION_S * 1000) throw tokenInvalid(`it ends within ${MAX_ASSERTION_S} s`);
      return { jti, endsAt };
    } catch (error) {
      if (error instanceof HeddleError && error.code === 'token-invalid') {
        throw new TokenRefusal('invalid_client', error.message.replace('access token', 'client assertion'));
      }
      throw error;
    }
  }
}

/** Disabled clients prove who they are like all, so that only they learn that they are disabled. */
function usable(client: ClientRecord): ClientRecord {
  if (client.disabled) throw new TokenRefusal('invalid_client', 'the client is disabled');
  return client;
}

function wrong(): TokenRefusal {
  return new TokenRefusal('invalid_client', 'there is no such client, or its secret or key is another');
}

/**
 * User and password of Basic. Both should be form-encoded (RFC 6749 §2.3.1), and not every client does that: where it
 * makes a difference, both readings are given.
 */
function basicPairs(authorization: string): [id: string, secret: string][] {
  const [, encoded = ''] = /^basic +([A-Za-z0-9+/_=-]+)$/i.exec(authorization) ?? [];
  const text = Buffer.from(encoded, 'base64').toString();
  const at = text.indexOf(':');
  if (encoded === '' || at < 1) throw new TokenRefusal('invalid_client', 'the authorization header is not Basic');
  const plain: [string, string] = [text.slice(0, at), text.slice(at + 1)];
  if (!/[+%]/.test(text)) return [plain];
  try {
    return [[formDecoded(plain[0]), formDecoded(plain[1])], plain];
  } catch {
    return [plain];
  }
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** Whom an assertion claims to be of; nothing of it is believed yet. */
function subjectOf(assertion: string): string {
  try {
    const claims = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as { sub?: unknown };
    return typeof claims.sub === 'string' ? claims.sub : '';
  } catch {
    return '';
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

import { SENSITIVE_HEADER, masked } from './masked.js';
import type { WebhookDefinition } from './webhook.js';

/** Shorter ones stand in any text by chance; taking them out would say more than it hides. */
const LEAST = 4;
/** What is left of a secret that was cut off at the end of a text is taken out from so many characters on. */
const LEAST_CUT = 8;

/**
 * Takes the secrets of a webhook out of what its receiver answered: one that says what it got says them, too, and the
 * beginning of its answer is kept and shown.
 */
export class Redaction {
  #secrets: string[] | undefined;

  /** @param before of the definition before, whose secrets attempts under way were made with */
  constructor(
    private readonly definition: Pick<WebhookDefinition, 'secrets' | 'headers' | 'auth'>,
    private readonly before?: Redaction,
  ) {}

  /** @param token the value of the authorization header, where that is no part of the definition */
  of(text: string, token?: string): string {
    this.#secrets ??= [...new Set([...secretsOf(this.definition), ...(this.before?.own ?? [])])];
    const fresh = token === undefined ? [] : [token.replace(/^\S+ /, '')];
    let left = text;
    for (const secret of [...this.#secrets, ...fresh].toSorted((one, other) => other.length - one.length)) {
      if (secret.length >= LEAST) left = withoutCut(left.replaceAll(secret, masked('')), secret);
    }
    return left;
  }

  /** The secrets of this definition alone. */
  get own(): readonly string[] {
    return secretsOf(this.definition);
  }

  /** Without what came before it: the next one remembers one definition back, not all. */
  get alone(): Redaction {
    return this.before === undefined ? this : new Redaction(this.definition);
  }
}

function secretsOf({ secrets, headers, auth }: Pick<WebhookDefinition, 'secrets' | 'headers' | 'auth'>): string[] {
  const { basic, apiKey, oauth2 } = auth;
  const plain = [
    // With and without what says its kind.
    ...secrets.flatMap(({ secret }) => [secret, secret.replace(/^wh(?:sec|sk)_/, '')]),
    ...Object.entries(headers).flatMap(([name, value]) => (SENSITIVE_HEADER.test(name) ? [value] : [])),
    ...(basic === undefined ? [] : [basic.password, Buffer.from(`${basic.user}:${basic.password}`).toString('base64')]),
    ...(apiKey === undefined ? [] : [apiKey.value]),
    ...(oauth2?.clientSecret === undefined ? [] : [oauth2.clientSecret]),
  ];
  // As it stands in JSON, too.
  return plain.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
}

function withoutCut(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= LEAST_CUT; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + masked('');
  }
  return text;
}

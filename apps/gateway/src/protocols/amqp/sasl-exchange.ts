import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { type PasswordGuard, identifyPassword } from '../password.js';
import type { Frame } from './frame-stream.js';
import { type PerformativeWriter, SASL_FRAME } from './performative-writer.js';
import { readPerformative } from './performatives.js';
import { ANONYMOUS, PLAIN, SASL_CODES, plainCredentials } from './sasl.js';

export interface SaslParts {
  writer: PerformativeWriter;
  /** Who has brought a token with the connection: what it says by PLAIN then is taken as it comes. */
  known: Caller | undefined;
  guard: PasswordGuard;
  /** Before it is looked at what somebody says. @throws HeddleError `rate-limited` */
  admitGuess(): void;
  /** Somebody has proven who it is. @throws HeddleError `too-many-connections` */
  letIn(caller: Caller): void;
  /** Hears why somebody was not let in. */
  refused?(error: unknown): void;
  failed(error: unknown): void;
}

/** The conversation in which a client says who it is (part 5, section 5.3). */
export class SaslExchange {
  constructor(private readonly parts: SaslParts) {
    parts.writer.saslMechanisms(parts.known === undefined ? [PLAIN] : [PLAIN, ANONYMOUS]);
  }

  /**
   * Takes what the client says; gives the code of the outcome once there is one, which may take a while.
   *
   * @throws HeddleError `frame-invalid`
   */
  take({ type, body }: Frame): number | Promise<number> | undefined {
    if (type !== SASL_FRAME) throw new HeddleError('frame-invalid', 'Frames of SASL come first.');
    const { said } = readPerformative(body);
    if (said.kind === 'sasl-response') return this.#plain(said.response);
    if (said.kind !== 'sasl-init') {
      throw new HeddleError('frame-invalid', 'Only SASL is spoken before somebody is known.');
    }
    const { mechanism, response } = said;
    if (mechanism === ANONYMOUS && this.parts.known !== undefined) return SASL_CODES.ok;
    if (mechanism !== PLAIN) return SASL_CODES.auth;
    if (response !== undefined) return this.#plain(response);
    this.parts.writer.saslChallenge();
    return undefined;
  }

  #plain(response: Buffer): number | Promise<number> {
    return this.parts.known === undefined ? this.#identify(response) : SASL_CODES.ok;
  }

  async #identify(response: Buffer): Promise<number> {
    const { guard, admitGuess, letIn, refused, failed } = this.parts;
    try {
      admitGuess();
      letIn(await identifyPassword(guard, plainCredentials(response)));
      return SASL_CODES.ok;
    } catch (error) {
      refused?.(error);
      if (error instanceof HeddleError) return error.retryable ? SASL_CODES.sysTemp : SASL_CODES.auth;
      failed(error);
      return SASL_CODES.sys;
    }
  }
}

/** What a receiver answers, for a framework to write. */
export interface ReceiverAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * Thrown by a handler, it says how the sender is to go on. Anything else that is thrown is answered with 500: tried again,
 * as the queue's schedule says.
 */
export class WebhookAnswer extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  private constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = 'WebhookAnswer';
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Not now: nothing more is delivered for so long, up to 24 hours (503 with Retry-After). */
  static later(seconds: number, reason = 'not now'): WebhookAnswer {
    return new WebhookAnswer(503, reason, Math.max(1, Math.ceil(seconds)));
  }

  /** Too much at once: nothing more is delivered for so long (429 with Retry-After). */
  static slower(seconds: number, reason = 'too fast'): WebhookAnswer {
    return new WebhookAnswer(429, reason, Math.max(1, Math.ceil(seconds)));
  }

  /** This event cannot be handled as it is (422). It is tried again as the schedule says, and then a dead letter. */
  static unusable(reason = 'unusable'): WebhookAnswer {
    return new WebhookAnswer(422, reason);
  }

  /** No more events, ever: the gateway disables the webhook (410). */
  static noMore(reason = 'no more'): WebhookAnswer {
    return new WebhookAnswer(410, reason);
  }
}

/** A problem document (RFC 9457): senders keep the beginning of an answer, which helps whoever looks there. */
export function problemAnswer(
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): ReceiverAnswer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({ title: code, status, detail, code }),
  };
}

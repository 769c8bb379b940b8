/** What passes through a flow. Steps make another one of it; its id stays, whatever becomes of the rest. */
export interface Message {
  /** The same at every attempt: receivers tell repeats by it. */
  id: string;
  /** Empty when whoever handed it in did not say. */
  contentType: string;
  body: Uint8Array;
}

/** What became of handing a message to a receiver. */
export type Passing =
  | { state: 'done'; answer: ReceiverAnswer }
  /** `permanent`: the same again would end the same way. */
  | { state: 'permanent'; reason: string; answer?: ReceiverAnswer }
  | { state: 'retryable'; reason: string; answer?: ReceiverAnswer; retryAfterMs?: number };

/** What a receiver said, for people to look at. */
export interface ReceiverAnswer {
  /** 0 where none came. */
  status: number;
  /** The beginning of the body. */
  excerpt?: string;
}

/** Takes messages at the end of a flow. Never rejects: what went wrong is part of the outcome. */
export interface Receiver {
  /** @param signal aborted when it is no longer wanted */
  take(message: Message, signal?: AbortSignal): Promise<Passing>;
}

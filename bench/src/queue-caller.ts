import { type Socket, connect } from 'node:net';
import { AnswerReader } from './answer-reader.js';
import { type HttpDoor, authorizationLine } from './http-door.js';

const readBuffer = Buffer.alloc(1024 * 1024);

/** One keep-alive connection that asks a queue over HTTP, one request at a time. */
export class QueueCaller {
  readonly #socket: Socket;
  #answered: PromiseWithResolvers<Buffer> = Promise.withResolvers();

  constructor(
    private readonly door: HttpDoor,
    private readonly queue: string,
  ) {
    const reader = new AnswerReader((status, body = Buffer.alloc(0)) => {
      if (status === 200) this.#answered.resolve(Buffer.from(body));
      else this.#answered.reject(new Error(`Answered ${status}: ${body.toString('utf8', 0, 500)}`));
    }, true);
    const callback = (bytes: number): boolean => {
      reader.feed(readBuffer, bytes);
      return true;
    };
    this.#socket = connect({
      host: '127.0.0.1',
      port: door.port,
      noDelay: true,
      onread: { buffer: readBuffer, callback },
    });
    this.#socket.on('error', (error) => this.#answered.reject(error));
  }

  /** Resolves with the body of the answer; any status but 200 is an error. */
  ask(verb: 'receive' | 'settle', body: string): Promise<Buffer> {
    this.#answered = Promise.withResolvers();
    this.#socket.write(
      `POST /v1/queues/${this.queue}/${verb} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
        `${authorizationLine(this.door)}content-length: ${body.length}\r\n\r\n${body}`,
    );
    return this.#answered.promise;
  }

  close(): void {
    this.#socket.destroy();
  }
}

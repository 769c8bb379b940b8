import { createSocket } from 'node:dgram';
import { type Answer, type Packet, decode, encode } from 'dns-packet';
import { isIP } from 'node:net';

/**
 * What a name is answered with: addresses, and names that lead on (CNAME), each in the order of the answer. A function is
 * asked anew for each query, and told how often the name was asked for before, by this type.
 */
export type Zone = Readonly<Record<string, readonly string[] | ((times: number) => readonly string[])>>;

export interface NameServer {
  /** `address:port` */
  address: string;
  /** How often each name was asked for. */
  readonly asked: ReadonlyMap<string, number>;
  close: () => Promise<void>;
}

/** A name server on this machine that answers by a zone, with a time to live of 0; what is not in it does not exist. */
export async function serveNames(zone: Zone): Promise<NameServer> {
  const socket = createSocket('udp4');
  const asked = new Map<string, number>();
  socket.on('message', (message, { port, address }) => {
    const { id, questions } = decode(message);
    const [question] = questions ?? [];
    if (question === undefined) return;
    const { name, type } = question;
    const key = `${type} ${name.toLowerCase()}`;
    const times = asked.get(key) ?? 0;
    asked.set(key, times + 1);
    const entry = zone[name.toLowerCase()];
    const values = typeof entry === 'function' ? entry(times) : entry;
    const answers = values === undefined ? [] : answersTo(name, type, values);
    // 3 is NXDOMAIN, 0x80 that recursion is available (RFC 1035 §4.1.1).
    const flags = 0x80 | (values === undefined ? 3 : 0);
    const answer: Packet = {
      type: 'response',
      ...(id === undefined ? {} : { id }),
      flags,
      questions: questions ?? [],
      answers,
    };
    socket.send(encode(answer), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}

function answersTo(name: string, type: string, values: readonly string[]): Answer[] {
  const answers: Answer[] = [];
  let owner = name;
  for (const value of values) {
    const family = isIP(value);
    if (family === 0) {
      answers.push({ type: 'CNAME', name: owner, ttl: 0, data: value });
      owner = value;
    } else if (type === (family === 4 ? 'A' : 'AAAA')) {
      answers.push({ type: family === 4 ? 'A' : 'AAAA', name: owner, ttl: 0, data: value });
    }
  }
  return answers;
}

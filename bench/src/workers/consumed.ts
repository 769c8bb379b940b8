import avsc from 'avsc';

/** One pass over a topic: everything in it, by a new group. */
export interface Pass {
  brokers: string[];
  registryUrl: string;
  topic: string;
  group: string;
  events: number;
}

export interface Passed {
  /** From the first event handled to the last. */
  seconds: number;
  handled: number;
}

/** The data of the sample event, as a handler sees it. */
export interface SampleData {
  Contract: string;
  Title: string;
  NetAmount: string;
}

/** What all consumers that are compared do with an event; and when they have done it often enough. */
export class Tally {
  readonly all = Promise.withResolvers<Passed>();
  #handled = 0;
  #firstAt = 0;
  #characters = 0;

  constructor(private readonly events: number) {}

  handle(data: SampleData): void {
    if (this.#handled === 0) this.#firstAt = performance.now();
    this.#handled += 1;
    // Something that cannot be left out.
    this.#characters += data.Contract.length + data.Title.length + data.NetAmount.length;
    if (this.#handled !== this.events) return;
    if (this.#characters < this.events) this.all.reject(new Error('The events were empty.'));
    this.all.resolve({ seconds: (performance.now() - this.#firstAt) / 1000, handled: this.#handled });
  }
}

const ID_AT = 1;
const HEADER_BYTES = 5;

/** Decodes by avsc alone: no logical types, no limits. */
export class BareDecoder {
  readonly #types = new Map<number, avsc.Type>();

  constructor(private readonly registryUrl: string) {}

  knows(value: Buffer): boolean {
    return this.#types.has(value.readUInt32BE(ID_AT));
  }

  async learn(value: Buffer): Promise<void> {
    const id = value.readUInt32BE(ID_AT);
    const answered = await fetch(`${this.registryUrl}/schemas/ids/${id}`);
    const { schema } = (await answered.json()) as { schema: string };
    this.#types.set(id, avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema));
  }

  /** The value of a schema that has been learned. */
  decode(value: Buffer): SampleData {
    const type = this.#types.get(value.readUInt32BE(ID_AT));
    if (type === undefined) throw new Error('Its schema has not been learned.');
    return (type.decode(value, HEADER_BYTES) as { value: SampleData }).value;
  }
}

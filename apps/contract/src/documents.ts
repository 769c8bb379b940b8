import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { HeddleError, uuidv7 } from '@heddle/event';
import { type Kysely, type Transaction, sql } from 'kysely';
import type { ByteRange, OwnDocument } from '@heddle/mesh';
import type { ContractTables } from './contract.repository.js';
import type { DocumentContent } from './contract.js';

/** Bytes of a document that are in memory at once, for each on its way in or out; a row of the store is as large. */
const CHUNK_BYTES = 256 * 1024;
/** Documents on their way in at once. */
const AT_ONCE = 16;
/** A request has half a minute to arrive: what is on its way in for longer was left behind by a process that died. */
const LEFT_BEHIND = sql<Date>`now() - interval '1 hour'`;

/** A document on its way in, all of it. */
export interface IncomingDocument {
  mediaType: string;
  body: Readable;
  /** The hash that it must have, in hexadecimal digits, where whoever brings it has said so. */
  sha256: string | undefined;
}

/** One that is stored, and belongs to no contract yet. */
export interface StagedDocument extends DocumentContent {
  id: string;
}

/** One that belongs to a contract. */
export interface StoredDocument extends DocumentContent, OwnDocument {
  /** Fails when another takes its place while it is read. */
  open(range?: ByteRange): Readable;
}

/**
 * Documents, stored in chunks: whatever their size, a process holds a chunk or two of each. One is taken in outside of
 * any transaction, for its bytes come as slowly as somebody sends them, and becomes that of a contract in one.
 */
export class Documents {
  #underWay = 0;

  constructor(
    private readonly db: Kysely<ContractTables>,
    private readonly limitBytes: number,
  ) {}

  /**
   * Takes a document in, to its last byte. What is refused leaves nothing behind.
   *
   * @throws HeddleError `too-large`, `body-invalid` for one that is empty, cut short or not the one announced, `busy`
   */
  async stage({ mediaType, body, sha256 }: IncomingDocument): Promise<StagedDocument> {
    if (this.#underWay >= AT_ONCE) {
      throw new HeddleError('busy', `${AT_ONCE} documents are on their way in already.`, { retryAfterSeconds: 1 });
    }
    this.#underWay += 1;
    const id = uuidv7();
    try {
      await this.db.deleteFrom('document').where('contract', 'is', null).where('begun_at', '<', LEFT_BEHIND).execute();
      await this.db.insertInto('document').values({ id, media_type: mediaType }).execute();
      const content = await this.#store(id, body);
      if (content.sizeBytes === 0) throw new HeddleError('body-invalid', 'A document has at least one byte.');
      if (sha256 !== undefined && sha256 !== content.sha256) {
        const detail = `The document that came has the SHA-256 ${content.sha256}, and not ${sha256} as announced.`;
        throw new HeddleError('body-invalid', detail, { field: 'content-digest' });
      }
      const { sizeBytes: size_bytes } = content;
      await this.db.updateTable('document').set({ size_bytes, sha256: content.sha256 }).where('id', '=', id).execute();
      return { id, mediaType, ...content };
    } catch (error) {
      await this.discard(id);
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Makes a staged document that of a contract, which the transaction has locked, in the place of any other. */
  async attach(tx: Transaction<ContractTables>, contract: string, { id }: StagedDocument): Promise<void> {
    await tx.deleteFrom('document').where('contract', '=', contract).execute();
    const { numUpdatedRows } = await tx
      .updateTable('document')
      .set({ contract })
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows !== 1n) throw new HeddleError('internal', `The document ${id} is gone before it was attached.`);
  }

  /** Forgets a document, unless it belongs to a contract. What cannot be deleted now is deleted as left behind. */
  async discard(id: string): Promise<void> {
    const unattached = this.db.deleteFrom('document').where('id', '=', id).where('contract', 'is', null);
    await unattached.execute().catch(() => undefined);
  }

  /** The document of a contract. */
  async find(contract: string): Promise<StoredDocument | undefined> {
    const row = await this.db
      .selectFrom('document')
      .select(['id', 'media_type', 'size_bytes', 'sha256'])
      .where('contract', '=', contract)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { id, media_type: mediaType, size_bytes: sizeBytes, sha256 } = row;
    const open = (range: ByteRange = { first: 0, last: sizeBytes - 1 }) =>
      Readable.from(this.#bytes(id, range), { objectMode: false, highWaterMark: CHUNK_BYTES });
    return { mediaType, sizeBytes, sha256, open };
  }

  async #store(id: string, body: Readable): Promise<Omit<DocumentContent, 'mediaType'>> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    let number = 0;
    for await (const bytes of chunksOf(body)) {
      sizeBytes += bytes.length;
      if (sizeBytes > this.limitBytes) throw tooLarge(this.limitBytes);
      hash.update(bytes);
      await this.db.insertInto('document_chunk').values({ document: id, number, bytes }).execute();
      number += 1;
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  }

  async *#bytes(id: string, { first, last }: ByteRange): AsyncGenerator<Buffer> {
    let { number, at } = await this.#chunkWith(id, first);
    for (; at <= last; number += 1) {
      const row = await this.db
        .selectFrom('document_chunk')
        .select('bytes')
        .where('document', '=', id)
        .where('number', '=', number)
        .executeTakeFirst();
      if (row === undefined) throw replaced();
      const { bytes } = row;
      yield bytes.subarray(Math.max(0, first - at), last - at + 1);
      at += bytes.length;
    }
  }

  /** The chunk with a byte, and which byte is its first. Chunks are of about one size, and not of exactly one. */
  async #chunkWith(id: string, byte: number): Promise<{ number: number; at: number }> {
    if (byte === 0) return { number: 0, at: 0 };
    const starts = this.db
      .selectFrom('document_chunk')
      .where('document', '=', id)
      .select('number')
      .select(sql<string>`sum(octet_length(bytes)) over (order by number) - octet_length(bytes)`.as('at'));
    const row = await this.db
      .selectFrom(starts.as('start'))
      .select(['number', 'at'])
      .where(sql<number>`at`, '<=', byte)
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) throw replaced();
    return { number: row.number, at: Number(row.at) };
  }
}

function replaced(): HeddleError {
  return new HeddleError('conflict', 'Another document took its place while it was read.');
}

export function tooLarge(limitBytes: number): HeddleError {
  return new HeddleError('too-large', `A document has at most ${limitBytes} bytes.`);
}

/** What comes, in chunks for the store. */
async function* chunksOf(body: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  try {
    // Whoever is refused has to be told so, on the connection that destroying the body would end.
    for await (const part of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes < CHUNK_BYTES) continue;
      yield Buffer.concat(parts, bytes);
      [parts, bytes] = [[], 0];
    }
  } catch (cause) {
    throw new HeddleError('body-invalid', 'The document ended before its last byte.', { cause });
  }
  if (bytes > 0) yield Buffer.concat(parts, bytes);
}

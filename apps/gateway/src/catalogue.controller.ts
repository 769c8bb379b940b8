import { Access, By, type Caller } from '@heddle/auth';
import { Catalogue, ConfluentSchemaRegistry, type EventType } from '@heddle/schema';
import { Controller, Get, Header, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { HeddleError } from '@heddle/event';
import { EventReaders } from './event-readers.js';
import { type NamePage, namePage, nextField, pageOf } from './management/name-page.js';

export const catalogueEntryShape = z.object({
  type: z.string(),
  object: z.string(),
  topic: z.string(),
  summary: z.string(),
  key: z.string().describe('the data field with the business key'),
  owner: z.string().optional().describe('the service that raises it; without one, anybody may publish it'),
  publish: z
    .enum(['open', 'owner-only'])
    .optional()
    .describe('of a type with an owner: whether clients with the permission may publish it, too; owner-only if absent'),
  schemaId: z.int(),
  version: z.int(),
  schema: z.unknown(),
  example: z.unknown(),
});

export const catalogueShape = z.object({ types: z.array(catalogueEntryShape), ...nextField });

const named = z.array(z.object({ name: z.string() }));

export const readersShape = z.object({
  type: z.string(),
  queues: named.describe('those that want the type, of the tenant, that the client may see'),
  services: named.describe('consumer groups on Kafka that read its topic, or have a position in it'),
});

/** What events there are, for all tenants the same: each type with its schema and an example. */
@Controller('v1')
export class CatalogueController {
  constructor(
    @Inject(Catalogue) private readonly catalogue: Catalogue,
    @Inject(ConfluentSchemaRegistry) private readonly registry: ConfluentSchemaRegistry,
    @Inject(EventReaders) private readonly eventReaders: EventReaders,
  ) {}

  @Get('catalogue')
  @Access('client')
  list(@Query({ schema: namePage }) page: NamePage): z.infer<typeof catalogueShape> {
    const { entries, ...next } = pageOf(this.catalogue.list(), page, ({ type }) => type);
    return { types: entries.map(entryOf), ...next };
  }

  @Get('catalogue/:type')
  @Access('client')
  async read(@Param('type') type: string): Promise<z.infer<typeof catalogueEntryShape>> {
    return entryOf(await this.catalogue.find(type));
  }

  @Get('catalogue/:type/readers')
  @Access('client')
  readers(@By() caller: Caller, @Param('type') type: string): Promise<z.infer<typeof readersShape>> {
    return this.eventReaders.of(caller, type);
  }

  @Get('schemas/:id')
  @Access('client')
  @Header('cache-control', 'private, max-age=31536000, immutable')
  async schema(@Param('id') id: string): Promise<unknown> {
    if (!/^\d{1,10}$/.test(id)) throw new HeddleError('parameter-invalid', 'A schema id is a number.', { field: 'id' });
    return this.registry.byId(Number(id));
  }
}

function entryOf(entry: EventType): z.infer<typeof catalogueEntryShape> {
  const { type, object, topic, summary, key, owner, publish, schemaId, version, schema, example } = entry;
  return {
    type,
    object,
    topic,
    summary,
    key,
    ...(owner === undefined ? {} : { owner }),
    ...(publish === undefined ? {} : { publish }),
    schemaId,
    version,
    schema,
    example,
  };
}

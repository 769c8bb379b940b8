import type { DynamicModule } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Catalogue, ConfluentSchemaRegistry } from '@heddle/schema';
import { CatalogueController } from './catalogue.controller.js';
import { ChannelMonitor } from './channels/channel-monitor.js';
import { ChannelDocuments } from './channels/channel-documents.js';
import { ChannelMonitorController } from './channels/channel-monitor.controller.js';
import { Channels } from './channels/channels.js';
import { ChannelsController } from './channels/channels.controller.js';
import { Documents } from './fetch/documents.js';
import { DocumentsController } from './fetch/documents.controller.js';
import { EventReaders, type GroupsOf } from './event-readers.js';
import { ODataDoor } from './fetch/odata-door.js';
import { Objects } from './fetch/objects.js';
import { ObjectsController } from './fetch/objects.controller.js';
import { FilterTrials } from './filters/filter-trials.js';
import { FiltersController } from './filters/filters.controller.js';
import type { Gateway } from './gateway.js';
import { ClientsController } from './identity/clients.controller.js';
import type { Identity } from './identity/identity.js';
import { TenantsController } from './identity/tenants.controller.js';
import { TicketsController } from './identity/tickets.controller.js';
import { DeadLettersController } from './ledger/dead-letters.controller.js';
import { LedgerController } from './ledger/ledger.controller.js';
import { Webhooks } from './protocols/webhook/webhooks.js';
import { Queues } from './queues/queues.js';
import { GroupsController } from './protocols/mqtt/groups.controller.js';
import { ShareQueues } from './protocols/mqtt/share-queues.js';
import { LettersController } from './queues/letters.controller.js';
import { MonitorController } from './queues/monitor.controller.js';
import { QueuesController } from './queues/queues.controller.js';
import { Replays } from './queues/replays.js';
import { ReplaysController } from './queues/replays.controller.js';
import { TestEvents } from './queues/test-events.js';
import { TestEventsController } from './queues/test-events.controller.js';
import { WebhooksController } from './protocols/webhook/webhooks.controller.js';

/** The management side of the gateway. What is hot (publish, dispatch, deliver, streams) stays outside of Nest. */
export class GatewayModule {
  static of(
    gateway: Gateway,
    identity: Identity,
    catalogue: Catalogue,
    registry: ConfluentSchemaRegistry,
    groupsOf: GroupsOf,
    baseUrl: string,
  ): DynamicModule {
    const testEvents = new TestEvents(catalogue, gateway.namespaces, gateway.publisher);
    const channels = new Channels(gateway.engine.queues, gateway.webhooks, catalogue);
    const { odata, limits } = gateway;
    const odataDoor = (host: HttpAdapterHost) => new ODataDoor(host, odata, limits.values, baseUrl);
    const readers = new EventReaders(gateway.engine.directory, catalogue, groupsOf, gateway.namespaces);
    return {
      module: GatewayModule,
      controllers: [
        CatalogueController,
        ObjectsController,
        DocumentsController,
        QueuesController,
        ReplaysController,
        MonitorController,
        TestEventsController,
        LettersController,
        GroupsController,
        ChannelsController,
        ChannelMonitorController,
        WebhooksController,
        FiltersController,
        LedgerController,
        DeadLettersController,
        ClientsController,
        TenantsController,
        TicketsController,
      ],
      providers: [
        { provide: Catalogue, useValue: catalogue },
        { provide: ConfluentSchemaRegistry, useValue: registry },
        { provide: EventReaders, useValue: readers },
        { provide: Channels, useValue: channels },
        { provide: ChannelDocuments, useValue: new ChannelDocuments(channels, catalogue, baseUrl) },
        { provide: ChannelMonitor, useValue: new ChannelMonitor(channels, gateway.lookUps) },
        { provide: TestEvents, useValue: testEvents },
        { provide: Objects, useValue: gateway.objects },
        { provide: Documents, useValue: gateway.documents },
        { provide: ODataDoor, useFactory: odataDoor, inject: [HttpAdapterHost] },
        { provide: Queues, useValue: gateway.engine.queues },
        { provide: Replays, useValue: gateway.engine.replays },
        { provide: ShareQueues, useValue: gateway.mqtt.shares },
        { provide: Webhooks, useValue: gateway.webhooks },
        { provide: FilterTrials, useValue: gateway.filterTrials },
        ...gateway.lookUps.providers,
        ...identity.providers,
      ],
    };
  }
}

import type { DynamicModule } from '@nestjs/common';
import { Catalogue, ConfluentSchemaRegistry } from '@heddle/schema';
import { CatalogueController } from './catalogue.controller.js';
import { Objects } from './fetch/objects.js';
import { ObjectsController } from './fetch/objects.controller.js';
import type { Gateway } from './gateway.js';
import { Webhooks } from './protocols/webhook/webhooks.js';
import { WebhooksController } from './protocols/webhook/webhooks.controller.js';

/** The management side of the gateway. What is hot (publish, dispatch, deliver, streams) stays outside of Nest. */
export class GatewayModule {
  static of(gateway: Gateway, catalogue: Catalogue, registry: ConfluentSchemaRegistry): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [CatalogueController, ObjectsController, WebhooksController],
      providers: [
        { provide: Catalogue, useValue: catalogue },
        { provide: ConfluentSchemaRegistry, useValue: registry },
        { provide: Objects, useValue: gateway.objects },
        { provide: Webhooks, useValue: gateway.webhooks },
      ],
    };
  }
}

import type { Caller } from '@heddle/auth';
import { typeMatcher } from '@heddle/event';
import type { Catalogue } from '@heddle/schema';
import { asyncApiDocument } from '../asyncapi.js';
import type { Channels } from './channels.js';

/** What leaves a channel, described for whoever receives it: AsyncAPI, with the event types that are bound and no others. */
export class ChannelDocuments {
  constructor(
    private readonly channels: Pick<Channels, 'get'>,
    private readonly catalogue: Pick<Catalogue, 'list'>,
    private readonly baseUrl: string,
  ) {}

  /** @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  of(caller: Caller, name: string): object {
    const { bindings } = this.channels.get(caller, name);
    const isBound = typeMatcher(bindings.map(({ type }) => type));
    const about = {
      id: `${this.baseUrl}/v1/channels/${encodeURIComponent(name)}/asyncapi`,
      title: `Heddle channel ${name}`,
      description: `Events that leave by the channel ${name}, whose queue has the same name.`,
    };
    const events = this.catalogue.list().filter(({ type }) => isBound(type));
    return asyncApiDocument({ baseUrl: this.baseUrl, brokers: [], events, about });
  }
}

import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { Catalogue } from '@heddle/schema';
import type { NamePage } from '../management/name-page.js';
import type { VersionCheck } from '../management/version-check.js';
import type { WebhookView } from '../protocols/webhook/webhook-view.js';
import type { Webhooks } from '../protocols/webhook/webhooks.js';
import type { QueueView } from '../queues/queue-view.js';
import type { QueueDefinition } from '../queues/queue.js';
import type { Queues } from '../queues/queues.js';
import { type Binding, compileBindings } from './binding.js';
import { checkBindings } from './bindings-check.js';
import type { ChannelCheck, ChannelRequest, ChannelView } from './channel.shape.js';

type Check = ChannelCheck['checks'][number];

/**
 * Channels, as S/4HANA has them: queues that say by bindings what leaves. There is nothing else to them: whoever receives
 * from the queue receives from the channel, and what holds for queues holds for them.
 */
export class Channels {
  constructor(
    private readonly queues: Pick<Queues, 'list' | 'get' | 'put' | 'delete' | 'pause' | 'working'>,
    private readonly webhooks: Pick<Webhooks, 'list'>,
    private readonly catalogue: Pick<Catalogue, 'find' | 'list'>,
  ) {}

  /** Those that somebody may know of, by name; statistics of those at work here. */
  list(caller: Caller, page: NamePage): ChannelView[] {
    return this.queues.list(caller, page, ({ bindings }) => bindings !== undefined).map(channelView);
  }

  /** @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  get(caller: Caller, name: string): ChannelView {
    const view = this.queues.get(caller, name);
    this.definition(caller, name);
    return channelView(view);
  }

  /**
   * Makes a channel, or changes one: then its position, and whether it is active, stay. Resolves when it is stored.
   *
   * @throws HeddleError `type-unknown` and `data-invalid` for bindings, `conflict` for a queue that is no channel; and as
   *   putting a queue
   */
  async put(
    caller: Caller,
    name: string,
    { bindings, active, ...request }: ChannelRequest,
    check: VersionCheck,
  ): Promise<{ created: boolean; view: ChannelView }> {
    await checkBindings(bindings, this.catalogue);
    const compiled = compileBindings(bindings);
    const asked = { ...request, ...compiled, ...(active === undefined ? {} : { paused: !active }) };
    const { created, view } = await this.queues.put(caller, name, asked, check, { bindings });
    return { created, view: channelView(view) };
  }

  /** Deletes a channel with its position and all it holds. */
  async delete(caller: Caller, name: string, check: VersionCheck): Promise<void> {
    this.definition(caller, name);
    await this.queues.delete(caller, name, check);
  }

  /** One that is not active leases nothing; its events are kept, and leases that are out may be settled. */
  async activate(caller: Caller, name: string, isActive: boolean): Promise<ChannelView> {
    this.definition(caller, name);
    return channelView(await this.queues.pause(caller, name, !isActive));
  }

  /** @throws HeddleError `not-found` for a queue that is no channel, too; `queue-elsewhere` */
  definition({ tenant }: Pick<Caller, 'tenant'>, name: string): QueueDefinition & { bindings: Binding[] } {
    const { definition } = this.queues.working(tenant, name);
    const { bindings } = definition;
    if (bindings !== undefined) return { ...definition, bindings };
    throw new HeddleError('not-found', `There is no channel ${name}: the queue of this name has no bindings.`, {
      field: 'name',
    });
  }

  /**
   * Whether events leave it: that it is at work and active, and for each webhook at it whether its receiver agreed, and how
   * the last deliveries went.
   */
  check(caller: Caller, name: string): ChannelCheck {
    const { active, statistics } = this.get(caller, name);
    const webhooks = this.webhooks.list(caller).filter(({ queue }) => queue === name);
    const { messages = 0, receivers = { leases: 0, waiting: 0 } } = statistics ?? {};
    const checks: Check[] = [
      { of: 'queue', ok: true, detail: `It is at work, and holds ${messages} events.` },
      {
        of: 'activation',
        ok: active,
        detail: active ? 'It is active.' : `It keeps its events: POST /v1/channels/${name}/activate lets them leave.`,
      },
      ...webhooks.map(checkOf),
    ];
    if (webhooks.length === 0) {
      const { leases, waiting } = receivers;
      const detail = `No webhook that you may know of; ${waiting} receivers wait at its queue now, and have ${leases} leases.`;
      checks.push({ of: 'receivers', ok: true, detail });
    }
    return { channel: name, ok: checks.every(({ ok }) => ok), checks };
  }
}

function channelView(view: QueueView): ChannelView {
  const { types: _types, filter: _filter, paused, bindings = [], ...rest } = view;
  return { ...rest, active: !paused, bindings };
}

function checkOf(webhook: WebhookView): Check {
  const { name, state, disabled, handshake, statistics = {} } = webhook;
  const { lastSuccessAt, lastFailureAt, lastFailure } = statistics as NonNullable<WebhookView['statistics']>;
  const isFailing = lastFailureAt !== undefined && lastFailureAt > (lastSuccessAt ?? '');
  const resume = `POST /v1/webhooks/${name}/resume`;
  const standstill = {
    active: isFailing ? 'Its receiver agreed, and its last delivery failed.' : 'Its receiver agreed, or is not asked.',
    paused: `It is paused: ${resume}.`,
    disabled: `It was disabled (${disabled?.reason ?? 'no reason kept'}): ${resume} once that is done away with.`,
    'no-consent': `Its receiver has not agreed (${handshake.state}${handshake.reason === undefined ? '' : `: ${handshake.reason}`}): ${resume} asks again.`,
    unreadable: 'No master key opens its secrets: give the gateway the one they were sealed under.',
  };
  return {
    of: 'webhook',
    name,
    ok: state === 'active' && !isFailing,
    detail: standstill[state],
    ...(lastSuccessAt === undefined ? {} : { lastSuccessAt }),
    ...(lastFailureAt === undefined ? {} : { lastFailureAt }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
  };
}

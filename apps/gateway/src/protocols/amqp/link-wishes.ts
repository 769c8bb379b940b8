import { HeddleError } from '@heddle/event';
import type { MessageMode } from '../../messages/message.js';
import type { AmqpValue } from './amqp-value.js';

type Properties = ReadonlyMap<string, AmqpValue>;

/** How events are to be written, as a client asks with the properties of its link; structured when it does not. */
export function linkModeOf(properties: Properties): MessageMode {
  const mode = properties.get('heddle:mode') ?? 'structured';
  if (mode === 'structured' || mode === 'binary') return mode;
  throw propertyInvalid('heddle:mode', 'must be structured or binary');
}

/** A whole number among the properties of a link; nothing when it is not there. @throws HeddleError `parameter-invalid` */
export function numberProperty(properties: Properties, name: string, least: number, most: number): number | undefined {
  const value = properties.get(name) ?? null;
  if (value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw propertyInvalid(name, `must be a whole number from ${least} to ${most}`);
}

function propertyInvalid(name: string, rule: string): HeddleError {
  return new HeddleError('parameter-invalid', `The property ${name} of the link ${rule}.`, {
    field: `properties.${name}`,
  });
}

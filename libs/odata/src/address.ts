import { type EdmValue, kindOf } from './edm.js';
import { printLiteral } from './literal.js';
import type { EntityModel, Row, ServiceModel } from './model.js';

/** The path of an entity below its service: `A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='10')`. */
export function pathOf<S>(service: ServiceModel<S>, entity: EntityModel<S>, row: Row): string {
  const own = (set: string): string => `${set}(${keyText(entity, row.values)})`;
  if (entity.place === undefined) return own(entity.name);
  const { set, keys, navigation } = entity.place.of(row);
  return `${set}(${keyText(service.entities[set]!, keys)})/${own(navigation)}`;
}

function keyText<S>({ keys, properties }: EntityModel<S>, values: Readonly<Record<string, EdmValue>>): string {
  const literal = (name: string): string => {
    const { type } = properties[name]!;
    // In keys, numbers need no suffix: the model knows their type.
    const text = kindOf(type) === 'number' ? String(values[name]) : printLiteral({ type, value: values[name] ?? null });
    return encodeURIComponent(text).replaceAll('%3A', ':');
  };
  if (keys.length === 1) return literal(keys[0]!);
  return keys.map((name) => `${name}=${literal(name)}`).join(',');
}

/** The ETag of an entity: the version of the object that it is of. */
export function etagOf({ version }: Pick<Row, 'version'>): string {
  return `W/"${version}"`;
}

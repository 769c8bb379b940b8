import { etagOf, pathOf } from './address.js';
import { type EdmValue, jsonOf } from './edm.js';
import type { EntityModel, Row, ServiceModel } from './model.js';
import type { Found, FoundSet } from './read.js';

/** Answers in verbose JSON (OData JSON format 2.0), of a service that is reached under an absolute URL. */
export class JsonAnswer<S> {
  readonly contentType = 'application/json;charset=utf-8';

  constructor(
    private readonly service: ServiceModel<S>,
    private readonly root: string,
  ) {}

  entity(found: Found<S>): string {
    return JSON.stringify({ d: this.#entity(found) });
  }

  set({ entities, count, next }: FoundSet<S>): string {
    return JSON.stringify({
      d: {
        ...(count === undefined ? {} : { __count: count }),
        results: entities.map((one) => this.#entity(one)),
        ...(next === undefined ? {} : { __next: next }),
      },
    });
  }

  /** A way that leads to nothing. */
  nothing(name: string): string {
    return JSON.stringify({ d: { [name]: null } });
  }

  property({ entity }: { entity: EntityModel<S> }, name: string, value: EdmValue): string {
    return JSON.stringify({ d: { [name]: jsonOf(entity.properties[name]!.type, value) } });
  }

  links(entity: EntityModel<S>, rows: readonly Row[], isMany: boolean): string {
    const links = rows.map((row) => ({ uri: this.#urlOf(entity, row) }));
    return JSON.stringify({ d: isMany ? { results: links } : (links[0] ?? null) });
  }

  serviceDocument(): string {
    return JSON.stringify({ d: { EntitySets: Object.keys(this.service.entities) } });
  }

  #entity({ row, projection, along }: Found<S>): object {
    const { entity, properties, deferred } = projection;
    const uri = this.#urlOf(entity, row);
    const values = properties.map((name) => [name, jsonOf(entity.properties[name]!.type, row.values[name] ?? null)]);
    const expanded = [...along].map(([name, found]): [string, unknown] => {
      if (found === null) return [name, null];
      if (isMany(found)) return [name, { results: found.map((one) => this.#entity(one)) }];
      return [name, this.#entity(found)];
    });
    const named = deferred.map((name) => [name, { __deferred: { uri: `${uri}/${name}` } }]);
    return {
      __metadata: { id: uri, uri, type: `${this.service.namespace}.${entity.name}Type`, etag: etagOf(row) },
      ...(Object.fromEntries([...values, ...expanded, ...named]) as object),
    };
  }

  #urlOf(entity: EntityModel<S>, row: Row): string {
    return `${this.root}/${pathOf(this.service, entity, row)}`;
  }
}

export function isMany<S>(found: Found<S> | readonly Found<S>[]): found is readonly Found<S>[] {
  return Array.isArray(found);
}

import { etagOf, pathOf } from './address.js';
import { type EdmType, type EdmValue, textOf } from './edm.js';
import { isMany } from './json-answer.js';
import type { EntityModel, Row, ServiceModel } from './model.js';
import type { Found, FoundSet } from './read.js';
import { NAMESPACES, type Xml, element, escaped, xmlDocument } from './xml.js';

const SPACES = { xmlns: NAMESPACES.atom, 'xmlns:m': NAMESPACES.m, 'xmlns:d': NAMESPACES.d };

/** Answers in Atom (OData Atom format 2.0), of a service that is reached under an absolute URL. */
export class AtomAnswer<S> {
  readonly contentType = 'application/atom+xml;charset=utf-8';

  constructor(
    private readonly service: ServiceModel<S>,
    private readonly root: string,
    private readonly now: Date = new Date(),
  ) {}

  entity(found: Found<S>): string {
    return xmlDocument(this.#entry(found, this.#atRoot()));
  }

  set(found: FoundSet<S>, entity: EntityModel<S>): string {
    return xmlDocument(this.#feed(found, entity.name, `${this.root}/${entity.name}`, this.#atRoot()));
  }

  nothing(name: string): string {
    return xmlDocument(element(`d:${name}`, { 'xmlns:d': NAMESPACES.d, 'xmlns:m': NAMESPACES.m, 'm:null': 'true' }));
  }

  property({ entity }: { entity: EntityModel<S> }, name: string, value: EdmValue): string {
    const spaces = { 'xmlns:d': NAMESPACES.d, 'xmlns:m': NAMESPACES.m };
    return xmlDocument(propertyOf(name, entity.properties[name]!.type, value, spaces));
  }

  links(entity: EntityModel<S>, rows: readonly Row[], isOfMany: boolean): string {
    const space = { xmlns: NAMESPACES.d };
    const uri = (row: Row, spaces: object): Xml => element('uri', { ...spaces }, escaped(this.#urlOf(entity, row)));
    if (isOfMany) return xmlDocument(element('links', space, ...rows.map((row) => uri(row, {}))));
    const [row] = rows;
    return xmlDocument(row === undefined ? element('uri', { ...space }) : uri(row, space));
  }

  serviceDocument(): string {
    const collections = Object.keys(this.service.entities).map((name) =>
      element('app:collection', { href: name }, element('atom:title', {}, escaped(name))),
    );
    const workspace = element('app:workspace', {}, element('atom:title', {}, escaped('Default')), ...collections);
    const spaces = { 'xmlns:app': NAMESPACES.app, 'xmlns:atom': NAMESPACES.atom, 'xml:base': `${this.root}/` };
    return xmlDocument(element('app:service', spaces, workspace));
  }

  #atRoot(): Record<string, string> {
    return { ...SPACES, 'xml:base': `${this.root}/` };
  }

  #feed({ entities, count, next }: FoundSet<S>, title: string, id: string, attributes: Record<string, string>): Xml {
    return element(
      'feed',
      attributes,
      element('title', { type: 'text' }, escaped(title)),
      element('id', {}, escaped(id)),
      element('updated', {}, escaped(this.now.toISOString())),
      element('link', { rel: 'self', title, href: id }),
      ...(count === undefined ? [] : [element('m:count', {}, escaped(count))]),
      ...entities.map((one) => this.#entry(one, {})),
      ...(next === undefined ? [] : [element('link', { rel: 'next', href: next })]),
    );
  }

  #entry({ row, projection, along }: Found<S>, attributes: Record<string, string>): Xml {
    const { entity, properties, deferred } = projection;
    const path = pathOf(this.service, entity, row);
    const url = `${this.root}/${path}`;
    const ways = [...along].map(([name, found]) => {
      const inner = found === null ? [] : [this.#inline(name, found, `${url}/${name}`)];
      return this.#link(entity, path, name, element('m:inline', {}, ...inner));
    });
    const values = properties.map((name) => propertyOf(name, entity.properties[name]!.type, row.values[name] ?? null));
    return element(
      'entry',
      { ...attributes, 'm:etag': etagOf(row) },
      element('id', {}, escaped(url)),
      element('title', { type: 'text' }, escaped(path)),
      element('updated', {}, escaped(this.now.toISOString())),
      element('author', {}, element('name')),
      element('category', { term: `${this.service.namespace}.${entity.name}Type`, scheme: NAMESPACES.scheme }),
      element('link', { href: path, rel: 'edit', title: `${entity.name}Type` }),
      ...ways,
      ...deferred.map((name) => this.#link(entity, path, name)),
      element('content', { type: 'application/xml' }, element('m:properties', {}, ...values)),
    );
  }

  #inline(name: string, found: Found<S> | readonly Found<S>[], url: string): Xml {
    return isMany(found) ? this.#feed({ entities: found }, name, url, {}) : this.#entry(found, {});
  }

  #link(entity: EntityModel<S>, path: string, name: string, ...inner: Xml[]): Xml {
    const { many } = entity.navigations![name]!;
    const type = `application/atom+xml;type=${many ? 'feed' : 'entry'}`;
    return element('link', { href: `${path}/${name}`, rel: NAMESPACES.related + name, type, title: name }, ...inner);
  }

  #urlOf(entity: EntityModel<S>, row: Row): string {
    return `${this.root}/${pathOf(this.service, entity, row)}`;
  }
}

function propertyOf(name: string, type: EdmType, value: EdmValue, spaces: Record<string, string> = {}): Xml {
  const typed = { ...spaces, 'm:type': type === 'Edm.String' ? undefined : type };
  if (value === null) return element(`d:${name}`, { ...typed, 'm:null': 'true' });
  return element(`d:${name}`, typed, escaped(textOf(type, value)));
}

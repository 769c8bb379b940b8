import { HeddleError } from '@heddle/event';
import { type EntityModel, type PropertyModel, type ServiceModel, own } from './model.js';
import { invalid, quoted } from './refusal.js';
import { NAMESPACES } from './xml.js';
import { type XmlElement, attributeOf, readXml } from './xml-reader.js';

/**
 * An entry in Atom (OData Atom format 2.0) as the same entity stands in JSON, so that what of it may be written is decided
 * in one place. What an entry says beside values (its id, titles, categories, links that nothing is in) says nothing here.
 *
 * @throws HeddleError `body-invalid`, `too-complex`; `data-invalid` naming the field
 */
export function readEntry<S>(service: ServiceModel<S>, entity: EntityModel<S>, body: Buffer): object {
  const root = readXml(body);
  if (isAtom(root, 'entry')) return entryOf(service, entity, root, '');
  throw new HeddleError('body-invalid', `The body is no Atom entry: it begins with ${quoted(root.name)}.`);
}

type Values = Map<string, unknown>;

function entryOf<S>(service: ServiceModel<S>, entity: EntityModel<S>, entry: XmlElement, at: string): object {
  const values: Values = new Map();
  for (const child of entry.children) {
    if (isAtom(child, 'link')) addInline(service, entity, { link: child, values, at });
    for (const properties of isAtom(child, 'content') ? child.children : [child]) {
      if (!isMetadata(properties, 'properties')) continue;
      for (const property of properties.children) addProperty(entity, { property, values, at });
    }
  }
  // As its own members, whatever they are called.
  return Object.fromEntries(values);
}

function addProperty<S>(
  entity: EntityModel<S>,
  { property, values, at }: { property: XmlElement; values: Values; at: string },
): void {
  const { space, name, children, text } = property;
  const field = `${at}${name}`;
  if (space !== NAMESPACES.d) throw invalid(field, `must be of the namespace ${NAMESPACES.d}`);
  if (values.has(name)) throw invalid(field, 'is there twice');
  if (children.length > 0) throw invalid(field, 'must be a value, and has elements in it');
  if (isTrue(attributeOf(property, 'null', NAMESPACES.m))) {
    values.set(name, null);
    return;
  }
  values.set(name, writtenOf(own(entity.properties, name), text));
}

/** A text as the same value stands in JSON. */
export function writtenOf(property: PropertyModel | undefined, text: string): unknown {
  if (property?.type === 'Edm.String') return text;
  return property?.type === 'Edm.Boolean' ? flagOf(text) : text.trim();
}

/**
 * A single property as an element of its name (OData operations 2.0 §2.5), or null.
 *
 * @throws HeddleError as {@link readEntry}
 */
export function readElement<S>(entity: EntityModel<S>, name: string, body: Buffer): unknown {
  const values: Values = new Map();
  addProperty(entity, { property: readXml(body), values, at: '' });
  if (values.has(name)) return values.get(name);
  throw new HeddleError('body-invalid', `The body is no element ${quoted(name)}.`);
}

/** What came along: an entry, or several of them in a feed. */
function addInline<S>(
  service: ServiceModel<S>,
  entity: EntityModel<S>,
  { link, values, at }: { link: XmlElement; values: Values; at: string },
): void {
  const rel = attributeOf(link, 'rel') ?? '';
  const inline = link.children.find((child) => isMetadata(child, 'inline'));
  if (!rel.startsWith(NAMESPACES.related) || inline === undefined) return;
  const name = rel.slice(NAMESPACES.related.length);
  const field = `${at}${name}`;
  if (values.has(name)) throw invalid(field, 'is there twice');
  const navigation = own(entity.navigations, name);
  if (navigation === undefined) throw invalid(field, `is no navigation of ${entity.name}`);
  const target = service.entities[navigation.to]!;
  const [child] = inline.children;
  if (child === undefined) values.set(name, navigation.many ? [] : null);
  else if (isAtom(child, 'entry')) values.set(name, entryOf(service, target, child, `${field}.`));
  else if (isAtom(child, 'feed')) {
    const entries = child.children.filter((one) => isAtom(one, 'entry'));
    values.set(
      name,
      entries.map((one, index) => entryOf(service, target, one, `${field}.${index}.`)),
    );
  } else throw invalid(field, 'must have an Atom entry or an Atom feed in it');
}

/** What is neither is refused where all values are held to their types. */
function flagOf(text: string): boolean | string {
  const word = text.trim();
  if (isTrue(word)) return true;
  return word === 'false' || word === '0' ? false : word;
}

/** As XML Schema writes it. */
function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}

function isAtom({ space, name }: XmlElement, wanted: string): boolean {
  return space === NAMESPACES.atom && name === wanted;
}

function isMetadata({ space, name }: XmlElement, wanted: string): boolean {
  return space === NAMESPACES.m && name === wanted;
}

import { type RawBuilder, sql } from 'kysely';
import type { EntityChanges } from './changes.js';
import type { EdmType, EdmValue } from './edm.js';

/** A property of an entity; its column has its name. */
export interface PropertyModel {
  type: EdmType;
  /** What people call it. */
  label?: string;
  maxLength?: number;
  precision?: number;
  scale?: number;
  /** Whether it may be null; text is empty instead. */
  nullable?: boolean;
  /** Digits without leading zeros that are ordered as numbers, and named with zeros in front or without. */
  isNumber?: boolean;
  /** An instant of which there is only the day, at whose begin in UTC it is; its column has the day. */
  isDay?: boolean;
  /** Where it is no column, but made of some: under an alias of the view. */
  computed?: (alias: string) => RawBuilder<unknown>;
  /** Who may write it: with a new entity, later on, or only the service; only the service when left out. */
  written?: 'always' | 'once';
}

/** A way from an entity to others of the same business object. */
export interface NavigationModel {
  /** The entity set that it leads to. */
  to: string;
  many: boolean;
  /** Properties that both have, equal in both; the business object is the same anyway. */
  on?: readonly string[];
  /** What is fixed of the others. */
  where?: Readonly<Record<string, string>>;
  /** Whether a new entity may bring these along. */
  isDeep?: boolean;
}

/** A row of a view: property values, and whose row it is. */
export interface Row {
  /** The key of the business object. */
  key: string;
  /** Its version, of which the ETag is made. */
  version: string;
  values: Readonly<Record<string, EdmValue>>;
}

/**
 * An entity set and its type. Its rows are those of a view, whose columns are called as the properties; `key` and
 * `version` of the business object stand beside them.
 *
 * @typeParam S what makes changes: the service, within a transaction
 */
export interface EntityModel<S> {
  /** As the set is called: `A_SalesOrder`. The type is called the same with `Type` behind it. */
  name: string;
  label?: string;
  view: string;
  keys: readonly string[];
  /** The property that is the business object's key, where there is one. */
  objectKey?: string;
  properties: Readonly<Record<string, PropertyModel>>;
  navigations?: Readonly<Record<string, NavigationModel>>;
  /** Where its own keys do not say of which object it is: a path to it by way of one that does. */
  place?: {
    /** Properties that it is made of. */
    needs: readonly string[];
    of(row: Row): { set: string; keys: Readonly<Record<string, EdmValue>>; navigation: string };
  };
  changes?: EntityChanges<S>;
}

/** A function that changes something: by POST, its parameters in the query. */
export interface FunctionModel<S> {
  name: string;
  parameters: Readonly<Record<string, PropertyModel>>;
  /** The set of which it answers with the entity that it changed. */
  returns: string;
  run: EntityChanges<S>['change'];
}

/** An OData V2 service about one kind of business object. */
export interface ServiceModel<S> {
  /** `API_SALES_ORDER_SRV`. */
  name: string;
  namespace: string;
  /** The table of the objects: `key`, `version`, and `is_deleted` where there are tombstones. */
  object: { name: string; table: string; hasTombstones: boolean };
  entities: Readonly<Record<string, EntityModel<S>>>;
  functions?: Readonly<Record<string, FunctionModel<S>>>;
}

/** Where services of this protocol are found, as on S/4HANA. */
export const ODATA_PATH = '/sap/opu/odata/sap';

type Rest = Omit<PropertyModel, 'type' | 'maxLength'>;

/** Text of at most so many characters; empty where there is none. */
export const text = (maxLength: number, rest: Rest = {}): PropertyModel => ({ type: 'Edm.String', maxLength, ...rest });

/** Text of any length. */
export const longText = (rest: Rest = {}): PropertyModel => ({ type: 'Edm.String', ...rest });

/** A number that is a name: `4711`, which is `0000004711`, too. */
export const number = (maxLength: number, rest: Rest = {}): PropertyModel =>
  text(maxLength, { isNumber: true, ...rest });

export const decimal = (precision: number, scale: number, rest: Rest = {}): PropertyModel => ({
  type: 'Edm.Decimal',
  precision,
  scale,
  ...rest,
});

export const flag = (rest: Rest = {}): PropertyModel => ({ type: 'Edm.Boolean', ...rest });

/** A day, or none. */
export const day = (rest: Rest = {}): PropertyModel => ({
  type: 'Edm.DateTime',
  nullable: true,
  precision: 0,
  ...rest,
});

/** An instant, or none. */
export const instant = (rest: Rest = {}): PropertyModel => ({
  type: 'Edm.DateTimeOffset',
  nullable: true,
  precision: 7,
  ...rest,
});

/** A day, or none, where S/4 has an instant. */
export const dayAsInstant = (rest: Rest = {}): PropertyModel => instant({ precision: 0, isDay: true, ...rest });

/** The time of day in UTC of a column that has instants as texts, and the day. */
export const timeOfInstant = (column: string): PropertyModel =>
  time({ computed: (alias) => sql`date_trunc('second', ${inUtc(alias, column)})::time` });
export const dayOfInstant = (column: string): PropertyModel =>
  day({ computed: (alias) => sql`date_trunc('day', ${inUtc(alias, column)})` });

/** Whatever time zone the database speaks in. */
function inUtc(alias: string, column: string): RawBuilder<unknown> {
  return sql`(${sql.id(alias, column)}::timestamptz at time zone 'UTC')`;
}

export const time = (rest: Rest = {}): PropertyModel => ({ type: 'Edm.Time', nullable: true, precision: 0, ...rest });

export const guid = (rest: Rest = {}): PropertyModel => ({ type: 'Edm.Guid', ...rest });

/** Entity sets by name; @throws Error for a model that names what there is not, at the start and not at a request */
export function defineService<S>(
  service: Omit<ServiceModel<S>, 'entities' | 'functions'> & {
    entities: readonly EntityModel<S>[];
    functions?: readonly FunctionModel<S>[];
  },
): ServiceModel<S> {
  const entities = Object.fromEntries(service.entities.map((entity) => [entity.name, entity]));
  const functions = Object.fromEntries((service.functions ?? []).map((one) => [one.name, one]));
  for (const { name, keys, objectKey, properties, navigations = {} } of service.entities) {
    for (const property of [...keys, ...(objectKey === undefined ? [] : [objectKey])]) {
      if (properties[property] === undefined) throw new Error(`${name} has no property ${property}.`);
    }
    for (const [navigation, { to, on = [], where = {} }] of Object.entries(navigations)) {
      const target = entities[to];
      if (target === undefined) throw new Error(`${name}/${navigation} leads to ${to}, which there is not.`);
      for (const property of on) {
        if (properties[property] === undefined || target.properties[property] === undefined) {
          throw new Error(`${name}/${navigation} joins by ${property}, which not both have.`);
        }
      }
      for (const property of Object.keys(where)) {
        if (target.properties[property] === undefined) throw new Error(`${to} has no property ${property}.`);
      }
    }
  }
  for (const { name, returns } of service.functions ?? []) {
    if (entities[returns] === undefined) throw new Error(`${name} returns ${returns}, which there is not.`);
  }
  return { ...service, entities, functions };
}

/** What a name of a client's leads to, and never what every object has (`constructor`, `__proto__`). */
export function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

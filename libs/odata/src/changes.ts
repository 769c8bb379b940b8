import type { EdmValue } from './edm.js';

/** The keys of an entity. */
export type Keys = Readonly<Record<string, EdmValue>>;

/** What a client wrote about an entity, in the forms of the services: days as `2026-11-21`, decimals as texts. */
export type Payload = Readonly<Record<string, unknown>>;

/** The entity that a change is of. */
export interface EntityAt {
  /** The key of its business object. */
  key: string;
  keys: Keys;
  /** Its keys, and what else its place is made of. */
  values: Readonly<Record<string, EdmValue>>;
}

/** Where an entity is made from, when that is not the set itself. */
export interface Parent extends EntityAt {
  navigation: string;
}

/** What a client says about a change beside the change itself. */
export interface ChangeBy {
  /** The request's header fields; If-Match names versions as the services do, `"3"`. */
  headers: Readonly<Record<string, string | undefined>>;
}

/**
 * How entities of a set are changed: by the methods of the service, whose rules hold. What is not there cannot be done.
 *
 * @typeParam S the service, within a transaction
 */
export interface EntityChanges<S> {
  /** Returns the keys of the new entity. */
  create?: (service: S, input: Payload, by: ChangeBy, parent: Parent | undefined) => Promise<Keys>;
  change?: (service: S, at: EntityAt, patch: Payload, by: ChangeBy) => Promise<unknown>;
  remove?: (service: S, at: EntityAt, by: ChangeBy) => Promise<unknown>;
}

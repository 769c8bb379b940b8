import type { EntityModel, NavigationModel, PropertyModel, ServiceModel } from './model.js';
import { NAMESPACES, type Xml, element, xmlDocument } from './xml.js';

/** `$metadata`: the entity model as EDMX ([CSDL V2]), with the annotations of SAP that clients look at. */
export function metadataOf<S>(service: ServiceModel<S>): string {
  const { name, namespace } = service;
  const entities = Object.values(service.entities);
  const ways = entities.flatMap((entity) =>
    Object.entries(entity.navigations ?? {}).map(([way, navigation]) => ({ entity, way, navigation })),
  );
  const container = element(
    'EntityContainer',
    { Name: `${name}_Entities`, 'm:IsDefaultEntityContainer': 'true', 'sap:supported-formats': 'atom json' },
    ...entities.map((entity) =>
      element('EntitySet', { Name: entity.name, EntityType: `${namespace}.${entity.name}Type`, ...changeable(entity) }),
    ),
    ...ways.map((one) => associationSet(service, one)),
    ...Object.values(service.functions ?? {}).map((one) =>
      element(
        'FunctionImport',
        {
          Name: one.name,
          ReturnType: `${namespace}.${one.returns}Type`,
          EntitySet: one.returns,
          'm:HttpMethod': 'POST',
        },
        ...Object.entries(one.parameters).map(([parameter, { type, maxLength }]) =>
          element('Parameter', { Name: parameter, Type: type, Mode: 'In', MaxLength: maxLength?.toString() }),
        ),
      ),
    ),
  );
  const schema = element(
    'Schema',
    { Namespace: namespace, xmlns: NAMESPACES.edm, 'sap:schema-version': '1' },
    ...entities.map((entity) => entityType(service, entity)),
    ...ways.map((one) => association(service, one)),
    container,
  );
  const spaces = { 'xmlns:edmx': NAMESPACES.edmx, 'xmlns:m': NAMESPACES.m, 'xmlns:sap': NAMESPACES.sap };
  return xmlDocument(
    element(
      'edmx:Edmx',
      { Version: '1.0', ...spaces },
      element('edmx:DataServices', { 'm:DataServiceVersion': '2.0' }, schema),
    ),
  );
}

interface Way<S> {
  entity: EntityModel<S>;
  way: string;
  navigation: NavigationModel;
}

function changeable<S>({ changes = {} }: EntityModel<S>): Record<string, string | undefined> {
  const no = (can: unknown): string | undefined => (can === undefined ? 'false' : undefined);
  return {
    'sap:creatable': no(changes.create),
    'sap:updatable': no(changes.change),
    'sap:deletable': no(changes.remove),
    'sap:content-version': '1',
  };
}

function entityType<S>({ namespace }: ServiceModel<S>, entity: EntityModel<S>): Xml {
  const { name, label, keys, properties, navigations = {}, changes } = entity;
  return element(
    'EntityType',
    { Name: `${name}Type`, 'sap:label': label, 'sap:content-version': '1' },
    element('Key', {}, ...keys.map((key) => element('PropertyRef', { Name: key }))),
    ...Object.entries(properties).map(([property, model]) =>
      propertyType(property, model, keys.includes(property), changes !== undefined),
    ),
    ...Object.keys(navigations).map((way) =>
      element('NavigationProperty', {
        Name: way,
        Relationship: `${namespace}.${associationOf(entity, way)}`,
        FromRole: fromRole(entity, way),
        ToRole: toRole(entity, way),
      }),
    ),
  );
}

function propertyType(name: string, model: PropertyModel, isKey: boolean, isChanged: boolean): Xml {
  const { type, label, maxLength, precision, scale, nullable = false, written } = model;
  return element('Property', {
    Name: name,
    Type: type,
    Nullable: isKey || !nullable ? 'false' : undefined,
    MaxLength: maxLength?.toString(),
    Precision: precision?.toString(),
    Scale: scale?.toString(),
    'sap:display-format': type === 'Edm.DateTime' ? 'Date' : undefined,
    'sap:label': label,
    'sap:creatable': isChanged && written === undefined ? 'false' : undefined,
    'sap:updatable': isChanged && written !== 'always' ? 'false' : undefined,
  });
}

function association<S>({ namespace, entities }: ServiceModel<S>, { entity, way, navigation }: Way<S>): Xml {
  const { to, many, on = [] } = navigation;
  // From what belongs to another it is a way to that one, of which there are fewer.
  const isOfMany = !many && entity.keys.length > entities[to]!.keys.length;
  const refs = on.map((property) => element('PropertyRef', { Name: property }));
  const from = fromRole(entity, way);
  return element(
    'Association',
    { Name: associationOf(entity, way), 'sap:content-version': '1' },
    element('End', { Type: `${namespace}.${entity.name}Type`, Multiplicity: isOfMany ? '*' : '1', Role: from }),
    element('End', { Type: `${namespace}.${to}Type`, Multiplicity: many ? '*' : '0..1', Role: toRole(entity, way) }),
    ...(on.length === 0 || on.length !== entity.keys.length
      ? []
      : [
          element(
            'ReferentialConstraint',
            {},
            element('Principal', { Role: from }, ...refs),
            element('Dependent', { Role: toRole(entity, way) }, ...refs),
          ),
        ]),
  );
}

function associationSet<S>({ namespace }: ServiceModel<S>, { entity, way, navigation }: Way<S>): Xml {
  const name = associationOf(entity, way);
  return element(
    'AssociationSet',
    { Name: `${name}Set`, Association: `${namespace}.${name}` },
    element('End', { EntitySet: entity.name, Role: fromRole(entity, way) }),
    element('End', { EntitySet: navigation.to, Role: toRole(entity, way) }),
  );
}

function associationOf<S>({ name }: EntityModel<S>, way: string): string {
  return `assoc_${name}_${way}`;
}

function fromRole<S>(entity: EntityModel<S>, way: string): string {
  return `FromRole_${associationOf(entity, way)}`;
}

function toRole<S>(entity: EntityModel<S>, way: string): string {
  return `ToRole_${associationOf(entity, way)}`;
}

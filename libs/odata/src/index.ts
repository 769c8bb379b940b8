export type { ChangeBy, EntityAt, EntityChanges, Keys, Parent, Payload } from './changes.js';
export { CSRF_HEADER, csrfTokenOf, isCsrfFetch } from './csrf.js';
export { isBatchUrl, odataRoutes, originOf } from './door.js';
export {
  ODATA_PATH,
  type EntityModel,
  type FunctionModel,
  type NavigationModel,
  type PropertyModel,
  type Row,
  type ServiceModel,
  day,
  dayAsInstant,
  dayOfInstant,
  decimal,
  defineService,
  flag,
  guid,
  instant,
  longText,
  number,
  text,
  time,
  timeOfInstant,
} from './model.js';
export { mustShowToken } from './odata-service.js';
export { odataRoute } from './odata-route.js';
export { type ServedEntities, openOData } from './open-odata.js';

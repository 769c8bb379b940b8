export { Access, By, type Guard, callerOf, guardRoutes } from './access.js';
export { type Caller, permissionMissing, requirePermission } from './caller.js';
export { KINDS, type Kind, Permissions, VERBS, type Verb } from './permissions.js';

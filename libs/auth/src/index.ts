export { Access, By, type Guard, callerOf, guardRoutes } from './access.js';
export { MAX_TOKEN, bearerToken, tokenInvalid } from './bearer.js';
export { type Caller, permissionMissing, requirePermission } from './caller.js';
export { KINDS, type Kind, Permissions, VERBS, type Verb } from './permissions.js';

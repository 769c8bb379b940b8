export { Health, type HealthCheck, type HealthReport } from './health.js';
export { rawProblem } from './broken-request.js';
export { answerProblem, challengeOf, createHttpApp, listen, run, type HttpAppOptions } from './http-app.js';
export { HTTP_LIMITS, type HttpLimits, documentLimitSettings, httpLimitSettings, jsonLimitsOf } from './http-limits.js';
export { checkJson, type JsonLimits, parseJson } from './json-limits.js';
export { createLog, type Log } from './log.js';
export { LOOPBACK } from './loopback.js';
export { baseUrlSchema, countSchema, meshSettings, portSchema } from './mesh-settings.js';
export { gatewayTokenSettings, tokenSettings } from './token-settings.js';
export { createMetrics } from './metrics.js';
export { openApiDocument, type RouteDoc } from './openapi.js';
export { type Expected, checkExpected, entityTag, expectedOf, isKnown, requiredOf } from './preconditions.js';
export { reachable } from './reachable.js';
export { bytesParser } from './request-body.js';
export {
  Settings,
  defineSettings,
  processSettings,
  readOrExit,
  readSettings,
  type Setting,
  type SettingRow,
  type SettingsOf,
} from './settings.js';
export type { SocketUse } from './socket-limits.js';
export { stopInOrder, type StopStep } from './stop.js';
export { type BrokenRule, brokenRules, readShape } from './shape-error.js';
export { type Certificate, type Tls, certificateOf } from './tls.js';
export { NO_PROXIES, type TrustedProxies, clientAddress } from './trusted-proxies.js';

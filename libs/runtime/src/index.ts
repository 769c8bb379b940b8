export { Health, type HealthCheck, type HealthReport } from './health.js';
export {
  BODY_LIMIT,
  answerProblem,
  challengeOf,
  createHttpApp,
  listen,
  run,
  shapeError,
  type HttpAppOptions,
} from './http-app.js';
export { createLog, type Log } from './log.js';
export { baseUrlSchema, meshSettings, portSchema } from './mesh-settings.js';
export { createMetrics } from './metrics.js';
export { nearest } from './nearest.js';
export { openApiDocument, type RouteDoc } from './openapi.js';
export { reachable } from './reachable.js';
export { Settings, defineSettings, readSettings, type Setting, type SettingRow, type SettingsOf } from './settings.js';
export { stopInOrder, type StopStep } from './stop.js';
export { certificateOf } from './tls.js';

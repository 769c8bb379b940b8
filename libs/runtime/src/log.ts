import { pino, type Logger } from 'pino';

/** A JSON line per step, named by its event: `log.info({ event: 'delivered', webhook, attempt }, 'delivered')`. */
export type Log = Logger;

/** The log of a process. Credentials are never written, wherever they stand; payloads are never passed to it. */
export function createLog(service: string, level: string): Log {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ['authorization', 'secret', 'password', '*.authorization', '*.secret', '*.password', '*.cookie'],
      censor: '(masked)',
    },
  });
}

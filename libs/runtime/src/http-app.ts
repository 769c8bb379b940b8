import { flushCompileCache } from 'node:module';
import { type ErrorCode, HeddleError, problemOf } from '@heddle/event';
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  NotFoundException,
  type LoggerService,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type {
  FastifyContextConfig,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
} from 'fastify';
import type { Registry } from 'prom-client';
import { answerBroken } from './broken-request.js';
import type { Health } from './health.js';
import { KnownMethods } from './known-methods.js';
import { HTTP_LIMITS, type HttpLimits } from './http-limits.js';
import type { Log } from './log.js';
import { LOOPBACK } from './loopback.js';
import { type MetricsExposure, metricsAccess } from './metrics-access.js';
import { acceptedCodings, jsonParser } from './request-body.js';
import { ShapePipe } from './shape-pipe.js';
import { type SocketUse, limitSockets } from './socket-limits.js';
import type { Certificate, Tls } from './tls.js';
import { NO_PROXIES, type TrustedProxies } from './trusted-proxies.js';

/** How often connections are looked through for those that are too slow, in milliseconds. */
const SLOW_CHECK_MS = 5000;

/** What an application is made of, and held to. */
export interface HttpAppOptions {
  log: Log;
  health: Health;
  metrics: Registry;
  /** The document that `/openapi.json` answers with. */
  openApi: object;
  /** What clients may ask of it, and how slowly; the defaults when left out. */
  limits?: HttpLimits;
  /** Hears of each new connection. */
  onSocket?: (use: SocketUse) => void;
  /** Is given the server before it has any route: what lets requests in or refuses them is added here. */
  guard?: (server: FastifyInstance) => void;
  /** Where it listens, who may read its metrics, and the proxies before it; as on this machine alone when left out. */
  exposure?: MetricsExposure & { trustedProxies?: TrustedProxies };
  /** Speaks HTTPS with this; HTTP without. */
  certificate?: Certificate | undefined;
  /** What this server needs other than the usual. */
  server?: FastifyServerOptions;
}

/** Routes of everybody, as libs/auth reads it: this library stands below that one. */
const PUBLIC = { config: { access: 'public' } as FastifyContextConfig };

/**
 * A Nest application on Fastify, with what every process of the mesh answers on: `/healthz/live`, `/healthz/ready`,
 * `/metrics` and `/openapi.json`. Every error leaves as an RFC 9457 problem; shapes on parameters are enforced.
 */
export async function createHttpApp(module: object, options: HttpAppOptions): Promise<NestFastifyApplication> {
  const { log, health, metrics, openApi, limits = HTTP_LIMITS, exposure = { host: '127.0.0.1' } } = options;
  const { trustedProxies = NO_PROXIES } = exposure;
  const requireMetrics = metricsAccess(exposure);
  const adapter = new FastifyAdapter({
    ...limitOptions(limits),
    // Event ids and business keys stand in paths, percent-encoded.
    routerOptions: { maxParamLength: 4096 },
    // Connections without a request at work are closed when the process stops, so that stopping is quick.
    forceCloseConnections: 'idle',
    // What is no URL is refused before any route is looked for.
    frameworkErrors: (cause: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      void answerProblem(reply, new HeddleError('parameter-invalid', 'The path of the URL is none.', { cause }), log);
    },
    ...(trustedProxies === NO_PROXIES ? {} : { trustProxy: (address: string) => trustedProxies.has(address) }),
    ...(options.certificate === undefined ? {} : { https: options.certificate }),
    ...options.server,
  } as FastifyServerOptions);
  // Nest adds a parser of its own for JSON only where there is none yet.
  adapter.useBodyParser('application/json', false, { bodyLimit: limits.limitBodyBytes }, jsonParser(limits));
  // What curl says of a body when nothing is said: it would be read as a form, and the form refused field by field.
  adapter.useBodyParser(FORM, false, { bodyLimit: limits.limitBodyBytes }, (_request, _body, done) =>
    done(formRefused()),
  );
  const methods = new KnownMethods(adapter.getInstance());
  limitSockets(adapter.getInstance().server, limits, options.onSocket, trustedProxies);
  const app = await NestFactory.create<NestFastifyApplication>(module as Type<unknown>, adapter, {
    logger: nestLogger(log),
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(log, methods));
  app.useGlobalPipes(new ShapePipe());
  const server = adapter.getInstance();
  options.guard?.(server);
  server.get('/healthz/live', PUBLIC, () => ({ status: 'ok' }));
  for (const path of ['/healthz', '/healthz/ready']) {
    server.get(path, PUBLIC, async (_request, reply) => {
      const report = await health.report();
      return reply.status(report.status === 'ok' ? 200 : 503).send(report);
    });
  }
  server.get('/metrics', PUBLIC, async ({ headers }, reply) => {
    requireMetrics(headers.authorization);
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
  server.get('/openapi.json', PUBLIC, () => openApi);
  return app;
}

const FORM = 'application/x-www-form-urlencoded';

function formRefused(): HeddleError {
  const advice =
    "bodies are JSON, sent with content-type: application/json (curl: -H 'content-type: application/json')";
  return new HeddleError('content-type-unsupported', `A form came, and is not read here: ${advice}.`, {
    field: 'content-type',
  });
}

/** The limits as Fastify and Node's server take them. */
function limitOptions(limits: HttpLimits): object {
  return {
    bodyLimit: limits.limitBodyBytes,
    requestTimeout: limits.limitRequestMs,
    keepAliveTimeout: limits.limitIdleMs,
    maxRequestsPerSocket: limits.limitRequestsPerSocket,
    clientErrorHandler: answerBroken,
    http: {
      headersTimeout: Math.min(limits.limitHeadersMs, limits.limitRequestMs),
      maxHeaderSize: limits.limitHeaderBytes,
      connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, limits.limitHeadersMs),
    },
  };
}

/**
 * Listens, and returns the URL. Nothing listens beyond loopback before it is said who encrypts: tokens stand in requests.
 *
 * @throws HeddleError `setting-invalid` when the port is in use, or the address is beyond loopback and not allowed.
 */
export async function listen(
  app: NestFastifyApplication,
  { host, port, tls }: { host: string; port: number; tls?: Tls | undefined },
): Promise<string> {
  if (!LOOPBACK.test(host) && tls === undefined) {
    throw new HeddleError(
      'setting-invalid',
      `HOST is ${host}, which others can reach, and it is not said who encrypts what they send: set HEDDLE_TLS to own (with HEDDLE_TLS_CERT_FILE and HEDDLE_TLS_KEY_FILE), to proxy if one in front of this process does, or to off if the network around it is yours (in a container, say).`,
    );
  }
  try {
    await app.listen(port, host);
    return await app.getUrl();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    const why = {
      EADDRINUSE: 'is in use',
      EACCES: 'may not be opened by this user',
      EADDRNOTAVAIL: 'is not an address of this machine',
    }[code];
    throw new HeddleError('setting-invalid', `${host}:${port} ${why}: choose another with PORT (or HOST).`, {
      cause: error,
    });
  }
}

/** Runs a process: what stops its start is one readable line and exit code 78 for a wrong setting, 1 for the rest. */
export async function run(log: Log, main: () => Promise<void>): Promise<void> {
  try {
    await main();
    // Now, for who is killed leaves nothing behind; without NODE_COMPILE_CACHE it does nothing.
    flushCompileCache();
  } catch (error) {
    const known = asHeddleError(error);
    log.fatal(
      { event: 'start-failed', code: known?.code, ...(known === undefined ? { err: error } : {}) },
      known?.message ?? 'the start failed',
    );
    process.exit(known?.code === 'setting-invalid' ? 78 : 1);
  }
}

/** What a refused client is to show (RFC 6750 §3). */
const CHALLENGES: Partial<Record<ErrorCode, string>> = {
  'token-missing': 'Bearer realm="heddle"',
  'token-invalid': 'Bearer realm="heddle", error="invalid_token"',
  'permission-missing': 'Bearer realm="heddle", error="insufficient_scope"',
};

/** The `WWW-Authenticate` that goes with a refusal, where one does. */
export function challengeOf(error: unknown): string | undefined {
  return error instanceof HeddleError ? CHALLENGES[error.code] : undefined;
}

/** Answers with the problem of an error; unknown errors are logged, and say nothing of themselves to the outside. */
export function answerProblem(reply: FastifyReply, error: unknown, log: Log): FastifyReply {
  const known = asHeddleError(error);
  if (known === undefined || known.code === 'internal')
    log.error({ event: 'request-failed', err: error }, 'request failed');
  const problem = problemOf(known ?? error);
  if (known?.retryAfterSeconds !== undefined) void reply.header('retry-after', String(known.retryAfterSeconds));
  else if (problem.status === 503) void reply.header('retry-after', '1');
  if (problem.code === 'encoding-unsupported') void reply.header('accept-encoding', acceptedCodings(reply.request));
  const challenge = challengeOf(known);
  if (challenge !== undefined) void reply.header('www-authenticate', challenge);
  return reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

@Catch()
class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly methods: KnownMethods,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    // A method without a route may fail for its body before anything asks for the route.
    const isNowhere =
      error instanceof NotFoundException ||
      reply.request.is404 ||
      // What a parameter was looked up for may have a path of its own, for another method.
      (error instanceof HeddleError && error.code === 'not-found');
    const unsupported = isNowhere ? this.#unsupported(reply) : undefined;
    void answerProblem(reply, unsupported ?? error, this.log);
  }

  /** Where the path is answered, only not for this method. */
  #unsupported(reply: FastifyReply): HeddleError | undefined {
    const { method, url } = reply.request;
    const known = this.methods.of(url);
    if (known.length === 0 || known.includes(method)) return undefined;
    void reply.header('allow', known.join(', '));
    return new HeddleError('method-unsupported', `This path answers to ${known.join(', ')}, not to ${method}.`);
  }
}

/** Errors of Fastify and Nest as ours. */
function asHeddleError(error: unknown): HeddleError | undefined {
  if (error instanceof HeddleError) return error;
  const { statusCode } = error as Partial<FastifyError>;
  // By their status, for Nest wraps what Fastify throws and leaves its code behind.
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  if (status === 413) return new HeddleError('too-large', 'The body is larger than is allowed here.');
  if (status === 415) {
    return new HeddleError('content-type-unsupported', 'This content type cannot be read here.');
  }
  if (status === 404) return new HeddleError('not-found', (error as Error).message);
  if (status !== undefined && status >= 400 && status < 500) {
    return new HeddleError('body-invalid', (error as Error).message);
  }
  return undefined;
}

/** Nest's own words go to the log: warnings and errors, not its start-up chatter. */
function nestLogger(log: Log): LoggerService {
  const quiet = (): void => {};
  return {
    log: quiet,
    debug: quiet,
    verbose: quiet,
    warn: (message: unknown) => log.warn({ event: 'nest' }, String(message)),
    error: (message: unknown, ...rest: unknown[]) =>
      log.error({ event: 'nest', detail: rest.map(String).join(' ') }, String(message)),
    fatal: (message: unknown) => log.fatal({ event: 'nest' }, String(message)),
  };
}

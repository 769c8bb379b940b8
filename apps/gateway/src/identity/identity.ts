import { ACCESS_TOKEN, type Caller, Permissions, TokenVerifier, callerOfClaims, issueAccessToken } from '@heddle/auth';
import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, type ControlLog, HeddleError } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Provider } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GatewaySettings } from '../settings.js';
import { ClientAuthentication } from './client-authentication.js';
import { ClientDirectory } from './client-directory.js';
import { putClients, readClientsFile } from './clients-file.js';
import { Clients, type ClientsParts } from './clients.js';
import { externalIssuer, isExternal } from './external-issuer.js';
import { GatewayGuard } from './gateway-guard.js';
import { metadataOf, openMetadata } from './metadata.js';
import { Origins } from './origins.js';
import type { Sealer } from './sealer.js';
import { SignedCallers } from './signed-callers.js';
import { SigningKeys } from './signing-keys.js';
import { Tenants } from './tenants.js';
import { Tickets } from './tickets.js';
import { TokenEndpoint } from './token-endpoint.js';

export interface IdentityParts {
  settings: GatewaySettings;
  /** As clients reach the gateway, without a slash at its end. */
  baseUrl: string;
  controlLog: ControlLog;
  sealer: Sealer;
  /** What a tenant still has at work, such as `2 queues`; nothing when it has nothing. */
  inUse(tenant: string): string | undefined;
  /** What clients have subscribed, which goes with them. */
  subscriptions?: ClientsParts['subscriptions'];
  /** Lets a tenant that has so many clients make one more; throws `quota-exceeded`. */
  admitClient?: (tenant: string, present: number) => void;
  /** What every request that was let in passes next; throws when there are too many. */
  admit?: (request: FastifyRequest, reply: FastifyReply) => void;
  /** The same for who asks for a token, before anything is computed. */
  admitTokenRequest?: (request: FastifyRequest, reply: FastifyReply) => void;
  log: Log;
}

/** The gateway itself, as services see it: no client is named like that. */
const GATEWAY = 'heddle:gateway';
const SERVICE_TOKEN_S = 300;
/** As good as the caller's own for as long as a request may take, and little more. */
const CALLER_TOKEN_S = 60;
const HOUR_MS = 3_600_000;
const NO_SUBSCRIPTIONS: ClientsParts['subscriptions'] = { any: () => false, end: () => Promise.resolve() };
const OWN_TOPICS: readonly string[] = [CONTROL_TOPICS.clients, CONTROL_TOPICS.keys];

/** Who may come in: clients, tenants and keys from the log, tokens and tickets for them, and the guard of the doors. */
export class Identity {
  readonly guard: GatewayGuard;
  readonly directory: ClientDirectory;
  readonly keys: SigningKeys;
  readonly #serviceTokens = new Map<string, { token: string | Promise<string>; until: number }>();
  readonly #callerTokens = new WeakMap<Caller, { token: Promise<string>; until: number }>();
  readonly #clients: Clients;
  readonly #tenants: Tenants;
  readonly #tickets: Tickets;
  readonly #authentication: ClientAuthentication;

  constructor(private readonly parts: IdentityParts) {
    const { settings, controlLog, sealer, inUse, admit, log } = parts;
    const directory = new ClientDirectory(controlLog);
    this.directory = directory;
    this.keys = new SigningKeys({
      controlLog,
      sealer,
      log,
      periodMs: settings.signingKeyHours * HOUR_MS,
      tokenLifeMs: settings.tokenLifeSeconds * 1000,
    });
    const { keys, issuer } = this;
    this.#authentication = new ClientAuthentication(directory, [`${parts.baseUrl}/oauth/token`, issuer]);
    const isCurrent = (caller: Caller): boolean => isExternal(caller) || directory.isCurrent(caller);
    const signed = { keys, issuer, isCurrent };
    this.#tickets = new Tickets({ ...signed, once: directory.once });
    this.guard = new GatewayGuard({
      verifier: new TokenVerifier([...this.#ownIssuer(), ...this.#externalIssuer()], isCurrent),
      hops: new SignedCallers(signed),
      tickets: this.#tickets,
      origins: new Origins(settings.allowedOrigins),
      directory,
      isCurrent,
      byCredentials: (clientId, secret) => this.#byCredentials(clientId, secret),
      log,
      ...(admit === undefined ? {} : { admit }),
    });
    const urls = { baseUrl: parts.baseUrl, issuer };
    const { admitClient = () => undefined, subscriptions = NO_SUBSCRIPTIONS } = parts;
    this.#clients = new Clients({ directory, urls, admitClient, subscriptions });
    this.#tenants = new Tenants({ directory, urls, inUse });
  }

  /**
   * Resolves when everybody who may come in is known, and there is a key to sign with.
   *
   * @throws HeddleError `setting-invalid` for a file of clients that cannot be used
   */
  async start(): Promise<void> {
    const { settings, controlLog, log } = this.parts;
    checkIssuers(settings, this.issuer);
    const entries = settings.clientsFile === undefined ? [] : await readClientsFile(settings.clientsFile);
    await controlLog.ensureTopics(CONTROL_TOPIC_SPECS.filter(({ name }) => OWN_TOPICS.includes(name)));
    await this.directory.start();
    await this.keys.start();
    await putClients(this.directory, entries);
    if (this.directory.size > 0 || settings.oidcIssuer !== undefined) return;
    log.warn({ event: 'no-clients' }, 'nobody can come in: there are no clients; name a file in HEDDLE_CLIENTS_FILE');
  }

  async stop(): Promise<void> {
    await this.keys.stop();
    await this.directory.stop();
  }

  /** Adds the routes that are not management: tokens, keys and metadata. */
  open(server: FastifyInstance): void {
    const { settings, baseUrl, admitTokenRequest, log } = this.parts;
    openMetadata(server, metadataOf(this.issuer, baseUrl), this.keys);
    if (!settings.tokenEndpoint) return;
    const { issuer } = this;
    new TokenEndpoint({
      authentication: this.#authentication,
      keys: this.keys,
      issuer,
      audience: settings.tokenAudience,
      lifeSeconds: settings.tokenLifeSeconds,
      ...(admitTokenRequest === undefined ? {} : { admit: admitTokenRequest }),
      log,
    }).open(server);
  }

  /**
   * What the gateway identifies itself with to the services of a tenant, for which it fetches objects; nobody gets in
   * here with it.
   */
  serviceToken(tenant: string): string | Promise<string> {
    const known = this.#serviceTokens.get(tenant);
    if (known !== undefined && Date.now() < known.until) return known.token;
    const until = Date.now() + SERVICE_TOKEN_S * 1000 * 0.8;
    const token = this.#issueForService(tenant);
    this.#serviceTokens.set(tenant, { token, until });
    token.then(
      (issued) => this.#serviceTokens.set(tenant, { token: issued, until }),
      () => this.#serviceTokens.delete(tenant),
    );
    return token;
  }

  /**
   * What the gateway hands a request on to a service with, in the name of who asks: with the permissions of that one,
   * for a minute. It is kept for a while, so that most requests need no signature.
   */
  tokenFor(caller: Caller): string | Promise<string> {
    const known = this.#callerTokens.get(caller);
    if (known !== undefined && Date.now() < known.until) return known.token;
    const { issuer } = this;
    const { tokenAudience: audience } = this.parts.settings;
    const grant = { issuer, audience, clientId: caller.client, caller, lifeSeconds: CALLER_TOKEN_S };
    const token = issueAccessToken(grant, this.keys.current());
    this.#callerTokens.set(caller, { token, until: Date.now() + CALLER_TOKEN_S * 500 });
    token.catch(() => this.#callerTokens.delete(caller));
    return token;
  }

  /** For the controllers of clients, tenants and tickets. */
  get providers(): Provider[] {
    return [
      { provide: Clients, useValue: this.#clients },
      { provide: Tenants, useValue: this.#tenants },
      { provide: Tickets, useValue: this.#tickets },
    ];
  }

  async #byCredentials(clientId: string, secret: string): Promise<Caller> {
    const { settings } = this.parts;
    // Where tokens are not issued here, ids and secrets are not known here either.
    if (!settings.tokenEndpoint) throw new HeddleError('token-invalid', 'Come with an access token of the issuer.');
    const form = new Map([
      ['client_id', clientId],
      ['client_secret', secret],
    ]);
    try {
      const client = await this.#authentication.authenticate({ authorization: undefined, form });
      return {
        tenant: client.tenant,
        namespace: client.namespace,
        client: client.client,
        permissions: Permissions.of(client.permissions),
        expiresAt: Date.now() + settings.tokenLifeSeconds * 1000,
        grantedAt: client.validFrom,
      };
    } catch (error) {
      if (error instanceof HeddleError) throw error;
      throw new HeddleError('token-invalid', 'There is no such client, or its secret is another.', { cause: error });
    }
  }

  #issueForService(tenant: string): Promise<string> {
    const { issuer } = this;
    const caller = {
      tenant,
      namespace: `${tenant}/mesh/gateway`,
      client: GATEWAY,
      permissions: Permissions.of(['fetch:type:*']),
      grantedAt: Date.now(),
    };
    const { tokenAudience: audience } = this.parts.settings;
    const grant = { issuer, audience, clientId: GATEWAY, caller, lifeSeconds: SERVICE_TOKEN_S };
    return issueAccessToken(grant, this.keys.current());
  }

  private get issuer(): string {
    return this.parts.settings.issuer ?? this.parts.baseUrl;
  }

  #ownIssuer() {
    const { settings } = this.parts;
    if (!settings.tokenEndpoint) return [];
    const { issuer, keys } = this;
    return [
      { issuer, audience: settings.tokenAudience, types: [ACCESS_TOKEN], key: keys.find, callerOf: callerOfClaims },
    ];
  }

  #externalIssuer() {
    const { settings } = this.parts;
    if (settings.oidcIssuer === undefined) return [];
    const options = {
      issuer: settings.oidcIssuer,
      audience: settings.oidcAudience,
      keysUrl: settings.oidcKeysUrl,
      types: settings.oidcTypes,
      mapping: settings.oidcMapping,
      claims: {
        client: settings.oidcClientClaim,
        tenant: settings.oidcTenantClaim,
        namespace: settings.oidcNamespaceClaim,
        scope: settings.oidcScopeClaim,
      },
    };
    return [externalIssuer(options, this.directory)];
  }
}

/** @throws HeddleError `setting-invalid` when no token, or no one token, could be believed */
function checkIssuers({ tokenEndpoint, oidcIssuer }: GatewaySettings, issuer: string): void {
  if (!tokenEndpoint && oidcIssuer === undefined) {
    throw new HeddleError('setting-invalid', 'HEDDLE_TOKEN_ENDPOINT is false and HEDDLE_OIDC_ISSUER not set.');
  }
  if (oidcIssuer !== issuer) return;
  throw new HeddleError('setting-invalid', `HEDDLE_OIDC_ISSUER is ${issuer}, which is this gateway itself.`);
}

/** Resolves when the thing answers; a rejection says why it does not. */
export type HealthCheck = () => Promise<unknown>;

/** What `/healthz/ready` answers: each check, with the milliseconds it took. */
export interface HealthReport {
  status: 'ok' | 'unavailable';
  checks: Record<string, { status: 'ok' | 'unavailable'; detail?: string; ms: number }>;
}

const CHECK_TIMEOUT_MS = 3000;

/** Whether this process can do its work: every dependency it cannot work without is asked, side by side. */
export class Health {
  #checks = new Map<string, HealthCheck>();
  #stopping = false;

  /** Adds a dependency, under the name that the report shows. */
  add(name: string, check: HealthCheck): this {
    this.#checks.set(name, check);
    return this;
  }

  /** From now on the process is not ready, so that nothing new is sent to it. */
  stopping(): void {
    this.#stopping = true;
  }

  async report(): Promise<HealthReport> {
    const checks: HealthReport['checks'] = {};
    await Promise.all(
      [...this.#checks].map(async ([name, check]) => {
        const started = performance.now();
        const outcome = await settle(check);
        const ms = Math.round((performance.now() - started) * 10) / 10;
        checks[name] = outcome === undefined ? { status: 'ok', ms } : { status: 'unavailable', detail: outcome, ms };
      }),
    );
    const healthy = !this.#stopping && Object.values(checks).every(({ status }) => status === 'ok');
    return { status: healthy ? 'ok' : 'unavailable', checks };
  }
}

/** What went wrong, or nothing. */
async function settle(check: HealthCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([
      check().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

import type { Log } from './log.js';

/** Something to be stopped, and how the log calls it. */
export interface StopStep {
  name: string;
  run(): Promise<unknown> | void;
}

const STEP_TIMEOUT_MS = 10_000;

/**
 * Stops the process in order on SIGTERM, SIGINT, SIGHUP, or when the launcher that started it is gone: the steps run
 * one after another, each for at most 10 s, then it exits with 0. A second signal ends it at once.
 */
export function stopInOrder(log: Log, steps: readonly StopStep[]): void {
  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) {
      if (why !== 'launcher gone') process.exit(1);
      return;
    }
    stopping = true;
    log.info({ event: 'stopping', why }, 'stopping');
    void runSteps(log, steps).then(() => {
      log.info({ event: 'stopped' }, 'stopped');
      process.exit(0);
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
  // A launcher holds an IPC channel to its children; it closes even when the launcher is killed with -9.
  if (process.channel !== undefined && process.channel !== null) {
    process.on('disconnect', () => stop('launcher gone'));
    process.channel.unref();
  }
}

async function runSteps(log: Log, steps: readonly StopStep[]): Promise<void> {
  for (const step of steps) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        log.warn({ event: 'stop-step-late', step: step.name }, 'a step of stopping took too long and was left');
        resolve();
      }, STEP_TIMEOUT_MS);
    });
    try {
      await Promise.race([Promise.resolve(step.run()), late]);
    } catch (error) {
      log.warn({ event: 'stop-step-failed', step: step.name, err: error }, 'a step of stopping failed');
    } finally {
      clearTimeout(timer);
    }
  }
}

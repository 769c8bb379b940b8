import { HeddleError } from '@heddle/event';
import type { MeshStore } from './mesh-store.js';

/** Of a service without a database: it consumes, and that is all. */
export class NoStore implements MeshStore<never> {
  transaction(): Promise<never> {
    return Promise.reject(missing());
  }

  raise(): Promise<never> {
    return Promise.reject(missing());
  }

  enter(): Promise<never> {
    return Promise.reject(missing());
  }

  hasUnsent(): Promise<boolean> {
    return Promise.resolve(false);
  }

  committed(): void {}
  expectCommit(): void {}
  start(): void {}

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

function missing(): HeddleError {
  return new HeddleError(
    'setting-invalid',
    'This mesh has no database: outbox and inbox are tables in one. Say which.',
  );
}

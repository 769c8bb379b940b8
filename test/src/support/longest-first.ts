import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take long, the longest first: begun last, one of them would keep a single worker busy while the others have
 * nothing left. A file that is missing here costs time and nothing else.
 */
const LONG = [
  'test/src/e2e/receivers.e2e.test.ts',
  'test/src/e2e/client-faults.e2e.test.ts',
  'test/src/integrity/run/integrity.crash.test.ts',
  'test/src/crash/gateway.crash.test.ts',
  'test/src/e2e/secrets-at-rest.e2e.test.ts',
  'test/src/crash/takeover.crash.test.ts',
  'infra/src/start.broker.test.ts',
  'libs/kafka/src/broker-restart.broker.test.ts',
  'test/src/crash/service.crash.test.ts',
  'test/src/crash/broker.crash.test.ts',
  'test/src/interop/clients.e2e.test.ts',
  'test/src/e2e/openapi-fuzz.e2e.test.ts',
  'test/src/e2e/integration-flows.e2e.test.ts',
  'libs/kafka/src/kafka-slot-group.broker.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const shared = new Set(files.filter((file) => sharesMesh(file)));
    return sorted.toSorted(
      (a, b) =>
        a.project.config.sequence.groupOrder - b.project.config.sequence.groupOrder ||
        Number(shared.has(a)) - Number(shared.has(b)) ||
        placeOf(a) - placeOf(b),
    );
  }
}

function placeOf({ project, moduleId }: TestSpecification): number {
  const place = LONG.indexOf(relative(project.config.root, moduleId));
  return place === -1 ? LONG.length : place;
}

/**
 * Those that share a mesh come last: all gateways on one broker are one mesh, so that nobody may start another one, nor
 * count what is on the broker, once the shared one runs.
 */
function sharesMesh({ moduleId }: TestSpecification): boolean {
  return readFileSync(moduleId, 'utf8').includes('sharedMesh()');
}

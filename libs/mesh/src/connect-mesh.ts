import { connectEventLog } from '@heddle/kafka';
import type { INestApplication } from '@nestjs/common';
import { Mesh } from './mesh.js';

/**
 * Brings the events of the topics that a mesh reacts to to the handlers (`@Handles`, `@EventPattern`) of a Nest application, and starts
 * it and all microservices that were connected to it. Resolves when this process has its place in the group. The
 * application's own `close` ends it: handlers finish, and what they raised is carried over.
 *
 * @param mesh the one of its `MeshModule` when left out
 */
export async function connectMesh(
  app: INestApplication,
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever its events and transactions are
  mesh: Mesh<any, any> = app.get<Mesh<any, any>>(Mesh, { strict: false }),
): Promise<void> {
  // Handlers get nothing before the modules are ready, whoever is started first.
  await app.init();
  const { group, topics, consume } = mesh.consumption;
  if (topics.length > 0) {
    const { onUnhandled } = mesh;
    connectEventLog(app, { from: 'earliest', ...consume, eventLog: mesh, group, topics: [...topics], onUnhandled });
  }
  await app.startAllMicroservices();
}

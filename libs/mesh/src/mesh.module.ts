import type { AnyTransaction } from '@heddle/outbox';
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type MeshOptions, createMesh } from './create-mesh.js';
import { Mesh } from './mesh.js';

/** Options that other providers are needed for, such as the database of the application. */
export interface AsyncMeshOptions<Tx> extends Pick<ModuleMetadata, 'imports'> {
  inject?: Exclude<FactoryProvider['inject'], undefined>;
  // oxlint-disable-next-line typescript/no-explicit-any -- what is injected is known by its tokens only
  useFactory(...provided: any[]): MeshOptions<Tx> | Promise<MeshOptions<Tx>>;
}

/**
 * Gives `Mesh` to every module of a Nest application, as the modules of a database or of events do: there is one in a
 * process. It is open before any provider that asks for it, and closed with the application, after its servers and
 * consumers. What the handlers get begins with `connectMesh`.
 */
@Module({})
export class MeshModule implements OnApplicationShutdown {
  constructor(@Inject(Mesh) private readonly mesh: Mesh) {}

  static forRoot<Tx = AnyTransaction>(options: MeshOptions<Tx>): DynamicModule {
    return meshOf({ provide: Mesh, useFactory: () => createMesh(options) });
  }

  static forRootAsync<Tx = AnyTransaction>(options: AsyncMeshOptions<Tx>): DynamicModule {
    const { imports = [], inject = [] } = options;
    const useFactory = async (...provided: unknown[]) => createMesh(await options.useFactory(...provided));
    return { ...meshOf({ provide: Mesh, inject, useFactory }), imports };
  }

  /** A mesh that is open already: one in memory, for tests. */
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever its events and transactions are
  static forTest(mesh: Mesh<any, any>): DynamicModule {
    return meshOf({ provide: Mesh, useFactory: () => mesh });
  }

  /** Nest has closed servers and consumers by then. */
  async onApplicationShutdown(): Promise<void> {
    await this.mesh.stop();
  }
}

function meshOf(provider: FactoryProvider): DynamicModule {
  return { module: MeshModule, global: true, providers: [provider], exports: [Mesh] };
}

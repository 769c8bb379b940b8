import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, waitForPort } from '@heddle/infra';

/** The server itself: what stands in the path would change to a user of its own. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
/** Erlang's, which the server starts where there is none. */
const PORT_MAPPER = '/usr/bin/epmd';
const START_MS = 60_000;

/** RabbitMQ with its AMQP 1.0 plugin, as Debian has it, on ports and a folder of its own. */
export class RabbitMq {
  static readonly isInstalled = existsSync(SERVER);

  private constructor(
    readonly pid: number,
    readonly port: number,
    private readonly process: ChildProcess,
    private readonly dir: string,
    private readonly epmdPort: number,
  ) {}

  static async start(): Promise<RabbitMq> {
    const [port = 0, distPort = 0, epmdPort = 0] = await freePorts(3);
    const dir = mkdtempSync(join(tmpdir(), 'heddle-rabbitmq-'));
    mkdirSync(join(dir, 'mnesia'));
    writeFileSync(join(dir, 'enabled_plugins'), '[rabbitmq_amqp1_0].\n');
    writeFileSync(join(dir, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\n`);
    const server = spawn(SERVER, [], {
      stdio: 'ignore',
      env: {
        PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
        HOME: dir,
        ERL_EPMD_PORT: String(epmdPort),
        ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_NODENAME: `bench-${port}@localhost`,
        RABBITMQ_DIST_PORT: String(distPort),
        RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
        RABBITMQ_LOG_BASE: dir,
        RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
      },
    });
    const peer = new RabbitMq(server.pid!, port, server, dir, epmdPort);
    try {
      await waitForPort(port, { timeoutMs: START_MS });
      return peer;
    } catch (error) {
      await peer.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    if (this.process.exitCode === null && this.process.kill()) await ended;
    // It stays behind by design, and knows nobody any more.
    spawnSync(PORT_MAPPER, ['-port', String(this.epmdPort), '-kill'], { env: { PATH: '/usr/bin:/bin' } });
    rmSync(this.dir, { recursive: true, force: true });
  }
}

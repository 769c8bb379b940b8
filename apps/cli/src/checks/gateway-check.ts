import { EXIT } from '../exit-codes.js';
import { reasonOf } from '../reason.js';
import { type Check, failed, ok } from './check.js';

export const gatewayCheck: Check = {
  name: 'gateway',
  about: 'the gateway answers',
  after: [],
  exitCode: EXIT.unreachable.code,
  async look({ gateway, signal }) {
    const begun = performance.now();
    try {
      const response = await gateway.open('GET', '/healthz/live', undefined, { signal });
      await response.arrayBuffer();
      const ms = Math.round(performance.now() - begun);
      if (response.ok) return ok(`${gateway.url} answers within ${ms} ms`);
      return failed(
        `${gateway.url} answers with ${response.status}`,
        'Is it the gateway that listens there? GATEWAY_URL, or the context, says where it is.',
      );
    } catch (error) {
      return failed(
        `${gateway.url} cannot be reached: ${reasonOf((error as Error).cause ?? error)}`,
        `Start it (heddle start), or say where it is: its address comes from ${gateway.from}.`,
      );
    }
  },
};

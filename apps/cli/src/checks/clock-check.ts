import { EXIT } from '../exit-codes.js';
import { duration } from '../output/times.js';
import { type Check, failed, ok, skipped, unsure } from './check.js';

/** Tokens allow this much (docs/guides/identity.md), less the second that a date of HTTP is exact to. */
const MOST_MS = 29_000;
const WORTH_A_LOOK_MS = 5000;

export const clockCheck: Check = {
  name: 'clock',
  about: 'the clock of this machine is that of the gateway',
  after: ['gateway'],
  exitCode: EXIT.failed.code,
  async look({ gateway, signal }) {
    const sentAt = Date.now();
    const begun = performance.now();
    const response = await gateway.open('GET', '/healthz/live', undefined, { signal });
    await response.arrayBuffer();
    const there = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(there)) return skipped('the gateway, or what is in front of it, does not say what time it is');
    // A date has whole seconds: on average it is half a second old.
    const offMs = sentAt + (performance.now() - begun) / 2 - (there + 500);
    const off = `${duration(Math.abs(offMs))} ${offMs > 0 ? 'ahead of' : 'behind'} that of the gateway`;
    if (Math.abs(offMs) <= WORTH_A_LOOK_MS) return ok('within seconds of that of the gateway');
    const advice = 'Have both set their clocks (NTP): timedatectl shows whether this one does.';
    if (Math.abs(offMs) <= MOST_MS) return unsure(`the clock of this machine is ${off}`, advice);
    return failed(
      `the clock of this machine is ${off}: tokens and signatures made by one are refused by the other`,
      advice,
    );
  },
};

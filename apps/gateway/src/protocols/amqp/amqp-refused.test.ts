import type { HeddleError } from '@heddle/event';
import { expect, it, onTestFinished } from 'vitest';
import { AmqpClient } from './amqp-client-trial.js';
import { AmqpTrial } from './amqp-trial.js';

it('who does not get in is in the audit, with where it comes from and nothing of what it said', async () => {
  const refused: object[] = [];
  const audit = {
    refused: (error: unknown, who: object) => void refused.push({ code: (error as HeddleError).code, ...who }),
  };
  const trial = await AmqpTrial.start({}, { audit });
  onTestFinished(() => trial.stop());
  await trial.tcp();
  expect(refused).toEqual([]);
  await expect(AmqpClient.overTcp(trial.port, { username: 'any', password: 'wrong' })).rejects.toThrow();
  expect(refused).toEqual([{ code: 'token-invalid', by: undefined, from: '127.0.0.1', target: 'amqp' }]);
});

import { HeddleError } from '@heddle/event';
import type { Message, Passing, Receiver } from './message.js';
import type { Apply } from './steps/step.js';

/** What a message went through at one attempt. */
export interface PassedStep {
  name: string;
  ms: number;
  error?: string;
}

export interface Pass {
  passing: Passing;
  steps: PassedStep[];
}

/** One attempt: the steps in their order, then the receiver. A step that fails would fail again: nothing is sent then. */
export async function pass(
  message: Message,
  flow: { steps: readonly { name: string; apply: Apply }[]; receiver: Receiver; to: string },
  signal?: AbortSignal,
): Promise<Pass> {
  const passed: PassedStep[] = [];
  let current = message;
  for (const { name, apply } of flow.steps) {
    const began = performance.now();
    try {
      current = apply(current);
      passed.push({ name, ms: since(began) });
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      passed.push({ name, ms: since(began), error: error.message });
      return { passing: { state: 'permanent', reason: `Step ${name}: ${error.message}` }, steps: passed };
    }
  }
  const began = performance.now();
  const passing = await flow.receiver.take(current, signal);
  passed.push({
    name: flow.to,
    ms: since(began),
    ...(passing.state === 'done' ? {} : { error: passing.reason }),
  });
  return { passing, steps: passed };
}

function since(began: number): number {
  return Math.round((performance.now() - began) * 10) / 10;
}

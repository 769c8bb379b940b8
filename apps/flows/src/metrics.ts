import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { MESSAGE_STATES, type MessageState, OPEN_STATES } from './monitor/message-entry.js';
import type { Pass } from './pass.js';

/** What is read of a flow when the metrics are asked for. */
export interface FlowReading {
  flow: string;
  isRunning: boolean;
  messages: Partial<Record<MessageState, number>>;
  /** When the oldest was received that is in no final state, in milliseconds since 1970. */
  oldestAt: number | undefined;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** The metrics of flows, each by the name of its flow. */
export class FlowMetrics {
  readonly #attempts;
  readonly #attemptSeconds;
  readonly #ended;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: 'heddle_flow_attempts_total',
      help: 'Attempts to hand a message over, by outcome: done, retryable, or permanent, which would fail again',
      labelNames: ['flow', 'outcome'],
      registers,
    });
    this.#attemptSeconds = new Histogram({
      name: 'heddle_flow_attempt_seconds',
      help: 'How long one attempt took, steps and receiver together',
      labelNames: ['flow'],
      buckets: SECONDS,
      registers,
    });
    this.#ended = new Counter({
      name: 'heddle_flow_messages_total',
      help: 'Messages that came to an end, by outcome: completed, failed, cancelled, discarded; again after a retry by hand',
      labelNames: ['flow', 'outcome'],
      registers,
    });
  }

  passed(flow: string, { passing, steps }: Pass): void {
    this.#attempts.inc({ flow, outcome: passing.state });
    this.#attemptSeconds.observe(
      { flow },
      steps.reduce((sum, { ms }) => sum + ms / 1000, 0),
    );
  }

  ended(flow: string, outcome: MessageState): void {
    this.#ended.inc({ flow, outcome });
  }

  /** Adds what is read at the time of asking; every flow begins with noughts, so that rates of the first are known. */
  read(readings: () => readonly FlowReading[]): void {
    const finals = MESSAGE_STATES.filter((state) => !OPEN_STATES.some((open) => open === state));
    for (const { flow } of readings()) for (const outcome of finals) this.#ended.inc({ flow, outcome }, 0);
    const gauges: [name: string, help: string, values: (reading: FlowReading) => [labels: object, value: number][]][] =
      [
        [
          'heddle_flow_messages_open',
          'Messages in no final state, by state: processing, retry',
          ({ messages }) => OPEN_STATES.map((state) => [{ state }, messages[state] ?? 0]),
        ],
        [
          'heddle_flow_oldest_message_seconds',
          'Since the oldest message was received that is in no final state; 0 where there is none',
          ({ oldestAt }) => [[{}, oldestAt === undefined ? 0 : Math.max(0, Date.now() - oldestAt) / 1000]],
        ],
        [
          'heddle_flow_running',
          '1 while messages can come to the flow, 0 once it has ended',
          ({ isRunning }) => [[{}, Number(isRunning)]],
        ],
      ];
    for (const [name, help, values] of gauges) {
      new Gauge({
        name,
        help,
        labelNames: ['flow', 'state'],
        registers: [this.registry],
        collect() {
          for (const reading of readings()) {
            for (const [labels, value] of values(reading)) this.set({ flow: reading.flow, ...labels }, value);
          }
        },
      });
    }
  }
}

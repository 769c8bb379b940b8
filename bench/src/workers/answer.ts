import type { Answer, Question, Tasks } from '../worker.js';

/** Answers what the bench asks this process, until the bench goes away. */
export function answer(tasks: Tasks, stop: () => Promise<void> | void = () => undefined): void {
  const say = (message: Answer): void => {
    if (process.connected) process.send?.(message);
  };
  process.on('message', ({ id, task, input }: Question) => {
    void (async () => {
      try {
        say({ id, result: await tasks[task]?.(input) });
      } catch (error) {
        say({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
    })();
  });
  // A Ctrl-C reaches this process too; the bench decides in which order all end.
  process.on('SIGINT', () => undefined);
  process.once('disconnect', () => {
    const giveUp = setTimeout(() => process.exit(), 2000);
    void (async () => stop())().finally(() => {
      clearTimeout(giveUp);
      process.exit();
    });
  });
}

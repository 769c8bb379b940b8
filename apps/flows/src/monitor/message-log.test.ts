import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { MessageLog } from './message-log.js';

function opened(folder?: string, onEnd?: (flow: string, state: string) => void): MessageLog {
  const log = new MessageLog(folder, onEnd);
  onTestFinished(() => log.close());
  return log;
}

const NAME = { flow: 'archive', source: '/s', message: 'm-1' };

it('what it was told is there when it is opened again, also by a process that comes after one that was killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-message-log-'));
  const first = opened(folder);
  const { id } = first.of(NAME, 1000);
  first.change(id, { state: 'retry', attempts: 2, dueAt: 5000, error: 'no answer', answer: { status: 0 } }, 2000);
  // Not closed: as a process leaves it that is gone from one moment to the next.
  const found = opened(folder).get(id);
  expect(found).toEqual(first.get(id));
  expect(found).toMatchObject({ ...NAME, state: 'retry', attempts: 2, dueAt: 5000, receivedAt: 1000, changedAt: 2000 });
});

it('whoever wants to hears of each end once, and of another one when it is retried', () => {
  const ends: string[] = [];
  const log = opened(undefined, (flow, state) => ends.push(`${flow} ${state}`));
  const { id } = log.of(NAME);
  log.change(id, { state: 'retry' });
  log.change(id, { error: 'x' });
  log.change(id, { state: 'failed' });
  log.change(id, { state: 'failed', error: 'y' });
  log.change(id, { state: 'retry' });
  log.change(id, { state: 'completed' });
  expect(ends).toEqual(['archive failed', 'archive completed']);
});

it('the oldest is the one that was received first of those that are not final', () => {
  const log = opened();
  const [done, older, newer] = [1, 2, 3].map((n) => log.of({ ...NAME, message: `m-${n}` }, n * 1000));
  log.of({ ...NAME, flow: 'other' }, 9000);
  log.change(done!.id, { state: 'completed' });
  expect([...log.oldest()]).toEqual([
    ['archive', 2000],
    ['other', 9000],
  ]);
  for (const { id } of [older!, newer!]) log.change(id, { state: 'discarded' });
  expect([...log.oldest()]).toEqual([['other', 9000]]);
});

it('a file that is damaged is put aside, and the log begins empty', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-message-log-'));
  const file = join(folder, 'flows.sqlite');
  const first = new MessageLog(folder);
  for (let n = 0; n < 500; n += 1) first.of({ ...NAME, message: `m-${n}` });
  first.close();
  const whole = readFileSync(file);
  for (const damaged of [Buffer.from('no database'.repeat(100)), whole.fill(7, 4096, 40_000)]) {
    writeFileSync(file, damaged);
    const log = new MessageLog(folder);
    expect(log.damaged).toBe(`${file}.damaged`);
    expect(readFileSync(log.damaged!)).toEqual(damaged);
    expect(log.list({ flows: [NAME.flow], limit: 10 })).toEqual([]);
    const { id } = log.of(NAME);
    log.close();
    const again = new MessageLog(folder);
    expect([again.get(id)?.message, again.damaged, existsSync(file)]).toEqual([NAME.message, undefined, true]);
    again.close();
  }
});

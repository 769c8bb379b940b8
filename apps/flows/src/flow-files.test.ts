import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFlows } from './flow-files.js';

const GOOD = `name: archive
from:
  queue: contracts
steps:
  - json-to-xml:
      addRoot: Contract
to:
  https:
    url: https://archive.example.com/contracts
`;

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-flows-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function problemOf(...texts: string[]): string {
  const files = texts.map((text, index) => [`flow-${index + 1}.yaml`, text] as const);
  try {
    readFlows(folderOf(Object.fromEntries(files)));
  } catch (error) {
    expect(error).toMatchObject({ code: 'setting-invalid' });
    return (error as Error).message;
  }
  throw new Error('It was accepted.');
}

it('the flows of a folder are read, several of a file too, with defaults for what they leave out', () => {
  const second = `name: hand-in\nfrom: { http: { path: /in } }\nto: { event: { type: a.b.v1 } }\n`;
  const flows = readFlows(folderOf({ 'b.yml': `${GOOD}---\n${second}`, 'notes.txt': 'no flow' }));
  expect(flows).toMatchObject([
    { name: 'archive', steps: [{ name: 'json-to-xml' }], to: { https: { method: 'POST', timeoutMs: 30_000 } } },
    { name: 'hand-in', from: { http: { path: '/in', auth: 'token' } }, steps: [] },
  ]);
});

describe('what is wrong is told with its file, its line, its field and the rule', () => {
  it.each([
    [
      'an unknown field',
      GOOD.replace('https:', 'htps:'),
      'flow-1.yaml:8: to.htps is not known here; did you mean https?',
    ],
    [
      'an unknown step',
      GOOD.replace('json-to-xml', 'json-to-xlm'),
      'steps.0 has no step called json-to-xlm; did you mean json-to-xml?',
    ],
    [
      'an unknown option of a step',
      GOOD.replace('addRoot', 'addRot'),
      'flow-1.yaml:6: steps.0.json-to-xml.addRot is not known here; did you mean addRoot?',
    ],
    ['a missing name', GOOD.replace('name: archive\n', ''), 'flow-1.yaml:1: name is missing: it must be a text'],
    ['a name that is none', GOOD.replace('archive\n', 'My Flow\n'), 'flow-1.yaml:1: name must be a-z'],
    [
      'a URL that is none',
      GOOD.replace('https://archive', 'archive'),
      'flow-1.yaml:9: to.https.url must be an https URL',
    ],
    ['no URL', GOOD.replace(/ {4}url.*\n/, '    method: PUT\n'), 'to.https.url or urlFrom is needed'],
    [
      'two senders',
      GOOD.replace('  queue: contracts', '  queue: contracts\n  http: { path: /x }'),
      'flow-1.yaml:2: from must name one of http and queue',
    ],
    ['more retries than allowed', `${GOOD}retry: { times: 100 }\n`, 'flow-1.yaml:10: retry.times must be at most 99'],
    [
      'credentials in the file',
      GOOD + '    credentials: { basic: { user: a, password: b } }\n',
      'flow-1.yaml:10: to.https.credentials',
    ],
    [
      'a header of the runner',
      GOOD + '    headers: { Idempotency-Key: a }\n',
      'flow-1.yaml:10: to.https.headers.Idempotency-Key is set by the runner',
    ],
    [
      'http straight to a receiver',
      GOOD.replace('queue: contracts', 'http: { path: /x }'),
      'flow-1.yaml:8: to.https needs a queue before it',
    ],
    ['what is no YAML', 'name: [', 'flow-1.yaml:1: is no YAML'],
    ['neither sender nor receiver', 'name: a\n', 'flow-1.yaml:1: from is missing: it must name http or queue'],
    [
      'credentials without a user',
      GOOD + '    credentials: { basic: { passwordFrom: ERP_PASSWORD } }\n',
      'flow-1.yaml:10: to.https.credentials must be basic (user, passwordFrom)',
    ],
    [
      'a password in the file',
      GOOD.replace('queue: contracts', 'http: { path: /x, auth: { basic: { user: a, password: b } } }').replace(
        /https:\n.*\n/,
        'queue: q\n',
      ),
      'flow-1.yaml:3: from.http.auth must be token, or basic with user and passwordFrom',
    ],
    ['a factor that is none', `${GOOD}retry: { factor: much }\n`, 'flow-1.yaml:10: retry.factor must be a number'],
    ['tabs', 'name: a\nfrom:\n\tqueue: q\n', 'flow-1.yaml:3: is no YAML'],
    ['an alias without its anchor', GOOD.replace('queue: contracts', 'queue: *q'), 'flow-1.yaml:1: is no YAML: '],
    [
      'an alias that leads into itself',
      GOOD.replace('from:\n', 'from: &from\n').replace('queue: contracts', 'queue: *from'),
      'flow-1.yaml:1: is no YAML: an alias leads into its own anchor',
    ],
    [
      'aliases that would make much of it',
      `${GOOD}about: &a [1,2,3,4,5,6,7,8,9,0]\nx: &b [*a,*a,*a,*a,*a,*a,*a,*a]\ny: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n`,
      'flow-1.yaml:1: is no YAML: Excessive alias count',
    ],
    ['a field twice', `${GOOD}name: again\n`, 'flow-1.yaml:10: is no YAML'],
    [
      'a certificate without its key',
      GOOD + '    tls: { certificateFrom: ERP_CERTIFICATE }\n',
      'flow-1.yaml:10: to.https.tls must name certificateFrom and keyFrom together',
    ],
    ['TLS of nothing', GOOD + '    tls: {}\n', 'flow-1.yaml:10: to.https.tls must name caFrom, or certificateFrom'],
    [
      'a certificate in the file',
      GOOD + '    tls:\n      ca: |\n        -----BEGIN CERTIFICATE-----\n',
      'flow-1.yaml:11: to.https.tls.ca is not known',
    ],
    [
      'a misspelt field of TLS',
      GOOD + '    tls: { caFrm: ERP_CA }\n',
      'flow-1.yaml:10: to.https.tls.caFrm is not known here; did you mean caFrom?',
    ],
    ['no flow at all', 'just text', 'flow-1.yaml:1: a flow must be fields with their values'],
  ])('%s', (_title, text, told) => {
    expect(problemOf(text)).toContain(told);
  });

  it('all of it at once', () => {
    expect(
      problemOf(GOOD.replace('archive\n', 'My Flow\n').replace('https://archive', 'archive')).split('\n'),
    ).toHaveLength(2);
  });

  it('a name, a queue or a path that two flows have', () => {
    expect(problemOf(GOOD, GOOD).split('\n')).toEqual([
      'flow-2.yaml:1: name archive is taken by flow-1.yaml:1',
      'flow-2.yaml:1: from.queue contracts is taken by flow-1.yaml:1',
    ]);
  });

  it('a folder without a flow, or that is not there', () => {
    expect(() => readFlows(folderOf({}))).toThrow(/has no flow/);
    expect(() => readFlows('/no/such/folder')).toThrow(/HEDDLE_FLOWS_DIR/);
  });
});

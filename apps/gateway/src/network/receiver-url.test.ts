import { expect, it } from 'vitest';
import { hostOf, normalUrl, portOf, urlProblem } from './receiver-url.js';

it.each([
  ['https://Receiver.Test', 'https://receiver.test/'],
  ['https://receiver.test:443/hook?a=1', 'https://receiver.test/hook?a=1'],
  ['http://receiver.test:080/', 'http://receiver.test/'],
  ['https://bücher.test/', 'https://xn--bcher-kva.test/'],
  ['https://0x7f.1:8443/../a', 'https://127.0.0.1:8443/a'],
  ['https:\\\\receiver.test\\hook', 'https://receiver.test/hook'],
  [' https://receiver.test/ ', 'https://receiver.test/'],
])('%s is kept as %s, and that as it is', (given, normal) => {
  expect(normalUrl(given)).toBe(normal);
  expect(normalUrl(normal)).toBe(normal);
});

it.each([
  ...['', 'receiver.test', '/hook', 'ftp://receiver.test/', 'file:///etc/passwd', 'gopher://receiver.test/', 'data:,x'],
  ...[
    'https://user@receiver.test/',
    'https://:secret@receiver.test/',
    'https://receiver.test/#',
    'https://receiver.test/#a',
  ],
  ...['https://', 'https://receiver.test:65536/', 'https://[::1/', 'https://a b/', 'https://1.2.3.256/'],
  `https://receiver.test/${'a'.repeat(2048)}`,
])('%j is no URL of a receiver', (text) => {
  expect(normalUrl(text)).toBeUndefined();
});

it('a URL is too long, too, when its normal form is', () => {
  expect(normalUrl(`https://receiver.test/${'a'.repeat(2000)}`)).toBeDefined();
  expect(normalUrl(`https://receiver.test/${'ü'.repeat(1000)}`)).toBeUndefined();
});

it('http is an answer to a question, and ports are those of the list', () => {
  const ports = [
    { from: 443, to: 443 },
    { from: 8000, to: 8999 },
  ];
  const problem = (url: string, http = false) => urlProblem(new URL(url), { http, ports });
  expect(problem('https://receiver.test/')).toBeUndefined();
  expect(problem('https://receiver.test:8443/')).toBeUndefined();
  expect(problem('http://receiver.test:8080/', true)).toBeUndefined();
  expect(problem('http://receiver.test:8080/')).toMatch(/must be https/);
  for (const url of ['https://receiver.test:22/', 'https://receiver.test:9000/', 'https://receiver.test:0/']) {
    expect(problem(url)).toMatch(/must not name port/);
  }
  expect(problem('http://receiver.test/', true)).toMatch(/port 80/);
  expect(problem('ftp://receiver.test/', true)).toMatch(/must be an http/);
});

it('host and port are those that a socket takes', () => {
  expect([hostOf(new URL('https://[::1]:8443/').hostname), portOf(new URL('https://[::1]:8443/'))]).toEqual([
    '::1',
    8443,
  ]);
  expect(portOf(new URL('http://receiver.test/'))).toBe(80);
  expect(portOf(new URL('tcp://kafka:9092'))).toBe(9092);
});

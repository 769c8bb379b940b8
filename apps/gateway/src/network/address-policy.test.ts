import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressProblem, networkOf, networkText } from './address-policy.js';
import { rulesOf } from './network-trial.js';
import { FORBIDDEN_V4, FORBIDDEN_V6 } from './spellings-trial.js';

const STRICT = rulesOf();
const EVERYTHING = rulesOf({ allowed: ['0.0.0.0/0', '::/0'] });

describe('an address may be pointed to', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.215.14',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
  ])('when it is public: %s', (address) => expect(addressProblem(address, STRICT)).toBeUndefined());

  it.each(['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '2a00:1450:4001:800::200e', '2400:cb00::1'])(
    'when it is global unicast: %s',
    (address) => expect(addressProblem(address, STRICT)).toBeUndefined(),
  );

  it('when an operator allows its network, and no other for that', () => {
    const rules = rulesOf({ allowed: ['10.1.0.0/16', 'fd00:1::/32'] });
    expect(addressProblem('10.1.2.3', rules)).toBeUndefined();
    expect(addressProblem('fd00:1::5', rules)).toBeUndefined();
    expect(addressProblem('10.2.0.1', rules)).toBe('private');
    expect(addressProblem('fd00:2::1', rules)).toBe('unique local');
  });
});

describe('an address may not be pointed to', () => {
  it.each([...FORBIDDEN_V4, ...FORBIDDEN_V6])('when it is nobody or somebody inside: %s', (address) => {
    expect(addressProblem(address, STRICT)).toEqual(expect.any(String));
  });

  it('when it is denied, though it is public or allowed', () => {
    const rules = rulesOf({ allowed: ['10.0.0.0/8'], denied: ['10.9.0.0/16', '1.1.1.1', '2606::/16'] });
    for (const address of ['10.9.0.1', '1.1.1.1', '2606:4700::1111']) {
      expect(addressProblem(address, rules)).toBe('denied');
    }
    expect(addressProblem('10.8.0.1', rules)).toBeUndefined();
  });

  it('when there is no single receiver there, whatever an operator allows', () => {
    for (const address of [
      '0.0.0.0',
      '::',
      '224.0.0.1',
      'ff02::1',
      '255.255.255.255',
      '::ffff:127.0.0.1',
      '::ffff:1.1.1.1',
    ]) {
      expect(addressProblem(address, EVERYTHING)).toEqual(expect.any(String));
    }
  });

  it('when it is private behind a translator that is allowed as a whole', () => {
    const rules = rulesOf({ allowed: ['64:ff9b::/96'] });
    expect(addressProblem('64:ff9b::1.1.1.1', rules)).toBeUndefined();
    expect(addressProblem('64:ff9b::10.0.0.1', rules)).toBe('private');
    expect(addressProblem('64:ff9b::127.0.0.1', rules)).toBe('loopback');
  });

  it.each(['', 'localhost', '127.1', '0x7f000001', '2130706433', '[::1]', '1.1.1.1/8', '1.1.1.1 '])(
    'when it is none: %j',
    (text) => expect(addressProblem(text, EVERYTHING)).toBe('no address'),
  );
});

it('of IPv6 nothing outside of 2000::/3 may be pointed to', () => {
  const outside = fc.integer({ min: 0, max: 0xffff }).filter((first) => first >> 13 !== 1);
  const rest = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(outside, rest, (first, others) => {
      const address = [first, ...others].map((part) => part.toString(16)).join(':');
      expect(addressProblem(address, STRICT)).toEqual(expect.any(String));
    }),
  );
});

it('a network is read as it is written, and nothing else is one', () => {
  for (const text of ['10.0.0.0/8', '127.0.0.1/32', '::1/128', 'fd00::/8', '0.0.0.0/0']) {
    expect(networkText(networkOf(text)!)).toBe(text);
  }
  expect(networkText(networkOf('10.0.0.1')!)).toBe('10.0.0.1/32');
  for (const text of [
    '',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/8/8',
    '10/8',
    'fe80::1%eth0/64',
    'localhost',
    '10.0.0.0/-1',
    '10.0.0.0/',
  ]) {
    expect(networkOf(text)).toBeUndefined();
  }
});

/** Addresses of each kind that no webhook may point to. */
export const FORBIDDEN_V4 = [
  ...['127.0.0.1', '127.1.2.3', '127.255.255.254', '0.0.0.0', '0.1.2.3'],
  ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.254', '192.168.0.1', '192.168.255.254'],
  ...['169.254.169.254', '169.254.170.2', '100.64.0.1', '100.100.100.200', '100.127.255.254', '168.63.129.16'],
  ...['192.0.0.192', '192.0.2.1', '192.88.99.1', '192.31.196.1', '192.52.193.1', '192.175.48.1', '198.18.0.1'],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
];

export const FORBIDDEN_V6 = [
  ...[
    '::',
    '::1',
    '::2',
    '0:0:0:0:0:0:0:1',
    '100::1',
    '100:0:0:1::1',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'ff02::1',
    'ff0e::1',
  ],
  ...['fc00::', 'fc00::1', 'fd00:ec2::254', 'fdff:ffff::1', '2001::1', '2001:2::1', '2001:3::1', '2001:4:112::1'],
  ...['2001:10::1', '2001:20::1', '2001:30::1', '2001:db8::1', '2002::1', '2620:4f:8000::1', '3fff::1', '3fff:fff::1'],
  ...['5f00::1', '4000::1', '1fff::1', '6000::1', 'e000::1', '64:ff9b::', '64:ff9b:1::1', '200::1'],
];

/** Of these every spelling is tried. */
const SPELLED = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '100.64.0.1', '172.16.0.1', '192.168.1.1', '0.0.0.0'];

/** URLs that lead to forbidden addresses by themselves, in every way of writing that URLs and addresses have. */
export function spellings(port: number): string[] {
  const literal = [...FORBIDDEN_V4, ...FORBIDDEN_V6.map((address) => `[${address}]`)];
  return [
    ...literal.map((host) => `http://${host}:${port}/`),
    ...SPELLED.flatMap((address) => [
      ...hosts(address).map((host) => `http://${host}:${port}/`),
      ...urls(address, port),
    ]),
  ];
}

/** One IPv4 address as a host. */
function hosts(address: string): string[] {
  const bytes = address.split('.').map(Number) as [number, number, number, number];
  const [a, b, c, d] = bytes;
  const whole = ((a << 24) >>> 0) + (b << 16) + (c << 8) + d;
  const low = (c << 8) + d;
  const tail = (b << 16) + low;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const octal = (value: number) => `0${value.toString(8)}`;
  return [
    // The forms of inet_aton: fewer parts, other bases, mixed, with leading zeros and a dot at the end.
    ...[String(whole), hex(whole), octal(whole), hex(whole).toUpperCase().replace('X', 'x')],
    ...[
      `${a}.${tail}`,
      `${a}.${b}.${low}`,
      `${hex(a)}.${tail}`,
      `${octal(a)}.${hex(tail)}`,
      `${octal(a)}.${b}.${hex(low)}`,
    ],
    ...[bytes.map(octal).join('.'), bytes.map(hex).join('.'), bytes.map((part) => `000${part.toString(8)}`).join('.')],
    ...[`${hex(a)}.${octal(b)}.${c}.${d}`, `${address}.`, `${whole}.`],
    // What IDNA maps to digits and dots (UTS #46), and what URLs decode.
    ...[wide(address), wide(String(whole)), address.replaceAll('.', '。'), address.replaceAll('.', '．')],
    ...[
      address.replaceAll('.', '｡'),
      circled(address),
      percent(address),
      `${address.slice(0, 2)}\u00ad${address.slice(2)}`,
    ],
    // IPv6 that holds it: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
    ...[`[::ffff:${address}]`, `[::FFFF:${pair(a, b)}:${pair(c, d)}]`, `[0:0:0:0:0:ffff:${pair(a, b)}:${pair(c, d)}]`],
    ...[`[::${address}]`, `[0:0:0:0:0:0:${pair(a, b)}:${pair(c, d)}]`, `[::ffff:0:${address}]`],
    ...[`[64:ff9b::${address}]`, `[64:ff9b::${pair(a, b)}:${pair(c, d)}]`, `[64:ff9b:1::${address}]`],
    ...[
      `[2002:${pair(a, b)}:${pair(c, d)}::1]`,
      `[2001:0:4136:e378:8000:63bf:${pair(255 - a, 255 - b)}:${pair(255 - c, 255 - d)}]`,
    ],
    ...[`[2001:0:${pair(a, b)}:${pair(c, d)}::1]`, `[fe80::5efe:${address}]`],
  ];
}

/** One IPv4 address in URLs that look as if they led elsewhere. */
function urls(address: string, port: number): string[] {
  return [
    `http:\\\\${address}:${port}\\`,
    `http:${address}:${port}/`,
    `http:/${address}:${port}/`,
    `http:////${address}:${port}/`,
    ` \thttp://${address}:${port}/ `,
    `ht\ntp://${address.replace('.', '\t.')}:${port}/`,
    `HTTP://${address}:0${port}/`,
    `http://${address}:${port}\\@public.test/`,
    `http://${address}:${port}/?@public.test/`,
    `http://@${address}:${port}/`,
    `http://public.test@${address}:${port}/`,
    `http://public.test:80@${address}:${port}/`,
    `http://public.test%2f@${address}:${port}/`,
    `http://${address}:${port}/#@public.test/`,
  ];
}

function pair(high: number, low: number): string {
  return ((high << 8) | low).toString(16);
}

function wide(text: string): string {
  return text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
}

function circled(text: string): string {
  return text.replaceAll(/\d/g, (digit) => (digit === '0' ? '⓪' : String.fromCodePoint(0x2460 + Number(digit) - 1)));
}

function percent(text: string): string {
  return text.replaceAll(/\d/g, (digit) => `%3${digit}`);
}

import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { describe, expect, it } from 'vitest';

/** What of Web Cryptography is used here. */
type Key = Parameters<typeof crypto.subtle.sign>[1];

/** A place where a signed token lets somebody in. */
export interface TokenDoor {
  /** The `typ` that its tokens have. */
  type: string;
  /** An ES256 key that it believes. */
  kid: string;
  privateKey: Key;
  publicJwk: object;
  /** Whether a token may leave out `typ`, or which key it is signed with. */
  isLenient?: boolean;
  /** The claims of a token that is good now; no two are the same. */
  claims(): Record<string, unknown>;
  /** Whether somebody is let in with this token. */
  enter(token: string): Promise<boolean>;
}

type Claims = Record<string, unknown>;
type Header = Record<string, unknown>;

const now = (): number => Math.floor(Date.now() / 1000);
const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');
const strangers = { ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }), rsa: rsaKey(), p384: p384Key() };

/** Signs whatever it is told to, with the door's own key unless told otherwise. */
class Forge {
  constructor(readonly door: TokenDoor) {}

  get header(): Header {
    return { alg: 'ES256', typ: this.door.type, kid: this.door.kid };
  }

  async sign(header: unknown, claims: unknown): Promise<string> {
    return this.signText(JSON.stringify(header), JSON.stringify(claims));
  }

  async signText(header: string | Uint8Array, claims: string | Uint8Array): Promise<string> {
    return this.signParts(base64url(header), base64url(claims));
  }

  async signParts(header: string, claims: string): Promise<string> {
    const text = `${header}.${claims}`;
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    return `${text}.${base64url(new Uint8Array(await crypto.subtle.sign(algorithm, this.door.privateKey, Buffer.from(text))))}`;
  }

  good(): Promise<string> {
    return this.sign(this.header, this.door.claims());
  }

  withClaims(change: Claims): Promise<string> {
    return this.sign(this.header, { ...this.door.claims(), ...change });
  }

  async without(name: string): Promise<string> {
    const { [name]: _left, ...claims } = this.door.claims();
    return this.sign(this.header, claims);
  }

  withHeader(change: Header): Promise<string> {
    return this.sign({ ...this.header, ...change }, this.door.claims());
  }

  hmac(alg: string, secret: string): string {
    const text = `${base64url(JSON.stringify({ ...this.header, alg }))}.${base64url(JSON.stringify(this.door.claims()))}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }

  stranger(header: Header, key = strangers.ec.privateKey, hash = 'sha256'): string {
    const text = `${base64url(JSON.stringify({ ...this.header, ...header }))}.${base64url(JSON.stringify(this.door.claims()))}`;
    return `${text}.${signWith(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  async parts(): Promise<[header: string, claims: string, signature: string]> {
    return (await this.good()).split('.') as [string, string, string];
  }
}

const BAD: Readonly<Record<string, (forge: Forge) => string | Promise<string>>> = {
  // Its form.
  'no text at all': () => '',
  'no token': () => 'not-a-token',
  'two parts': async (forge) => (await forge.parts()).slice(0, 2).join('.'),
  'four parts': async (forge) => `${await forge.good()}.AAAA`,
  'five parts, as an encrypted one has': async (forge) => `${await forge.good()}.AAAA.AAAA`,
  'no header': async (forge) => `.${(await forge.parts()).slice(1).join('.')}`,
  'no claims': async (forge) => forge.signParts((await forge.parts())[0], ''),
  'no signature': async (forge) => `${(await forge.parts()).slice(0, 2).join('.')}.`,
  'a space in it': async (forge) => (await forge.good()).replace('.', '. '),
  'another one behind it': async (forge) => `${await forge.good()} ${await forge.good()}`,
  'a comma behind it': async (forge) => `${await forge.good()},x`,
  'a dot behind it': async (forge) => `${await forge.good()}.`,
  'quotes around it': async (forge) => `"${await forge.good()}"`,
  'padding behind the signature': async (forge) => `${await forge.good()}==`,
  'padding behind the header': async (forge) => {
    const [, claims] = await forge.parts();
    return forge.signParts(`${base64url(`${JSON.stringify(forge.header)} `)}=`, claims);
  },
  'base64 that is not for URLs': async (forge) => {
    const odd = Buffer.from(JSON.stringify({ ...forge.door.claims(), odd: '>>>???>>>???' })).toString('base64');
    return forge.signParts((await forge.parts())[0], odd.replaceAll('=', ''));
  },
  'another spelling of its signature': async (forge) => {
    const token = await forge.good();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) ^ 1]!;
  },
  'more than 8 KiB': (forge) => forge.withClaims({ padding: 'x'.repeat(8192) }),
  'claims a hundred levels deep': (forge) =>
    forge.withClaims({ deep: JSON.parse(`${'['.repeat(99)}${']'.repeat(99)}`) }),
  'a list for a header': (forge) => forge.sign([forge.header], forge.door.claims()),
  'a list of claims': (forge) => forge.sign(forge.header, [forge.door.claims()]),
  'a text for claims': (forge) => forge.sign(forge.header, 'claims'),
  'null for claims': (forge) => forge.sign(forge.header, null),
  'claims that are no JSON': (forge) => forge.signText(JSON.stringify(forge.header), '{"iss":'),
  'two objects of claims': (forge) =>
    forge.signText(JSON.stringify(forge.header), `${JSON.stringify(forge.door.claims())}{}`),
  'claims that are no UTF-8': (forge) =>
    forge.signText(
      JSON.stringify(forge.header),
      Buffer.from(`${JSON.stringify(forge.door.claims()).slice(0, -1)},"x":"\xff\xfe"}`, 'latin1'),
    ),
  'a byte order mark': (forge) =>
    forge.signText(JSON.stringify(forge.header), `\u{feff}${JSON.stringify(forge.door.claims())}`),
  'a claim twice': (forge) =>
    forge.signText(
      JSON.stringify(forge.header),
      `${JSON.stringify(forge.door.claims()).slice(0, -1)},"exp":${now() + 60}}`,
    ),
  'a claim twice, spelled in another way': (forge) =>
    forge.signText(
      JSON.stringify(forge.header),
      `${JSON.stringify(forge.door.claims()).slice(0, -1)},"\\u0065xp":${now() + 60}}`,
    ),
  'a header twice': (forge) =>
    forge.signText(`${JSON.stringify(forge.header).slice(0, -1)},"alg":"none"}`, JSON.stringify(forge.door.claims())),
  'a prototype among the claims': (forge) =>
    forge.signText(
      JSON.stringify(forge.header),
      `${JSON.stringify(forge.door.claims()).slice(0, -1)},"__proto__":{"x":1}}`,
    ),

  // How it says it is signed.
  'alg none and no signature': (forge) =>
    `${base64url(JSON.stringify({ ...forge.header, alg: 'none' }))}.${base64url(JSON.stringify(forge.door.claims()))}.`,
  'alg none and a signature': (forge) => forge.withHeader({ alg: 'none' }),
  'alg nOnE': (forge) => forge.withHeader({ alg: 'nOnE' }),
  'no alg': (forge) => forge.withHeader({ alg: undefined }),
  'alg that is a number': (forge) => forge.withHeader({ alg: 256 }),
  'alg that is a list': (forge) => forge.withHeader({ alg: ['ES256'] }),
  'alg in small letters': (forge) => forge.withHeader({ alg: 'es256' }),
  'alg of another kind of key': (forge) => forge.withHeader({ alg: 'RS256' }),
  'alg EdDSA over an EC signature': (forge) => forge.withHeader({ alg: 'EdDSA' }),
  'HS256 with the public key': (forge) => forge.hmac('HS256', JSON.stringify(forge.door.publicJwk)),
  'HS256 with the key id': (forge) => forge.hmac('HS256', forge.door.kid),
  'HS256 with an empty secret': (forge) => forge.hmac('HS256', ''),
  'HS512 with the public key': (forge) => forge.hmac('HS512', JSON.stringify(forge.door.publicJwk)),
  'ES384 of a stranger': (forge) => forge.stranger({ alg: 'ES384' }, strangers.p384.privateKey, 'sha384'),
  'RS256 of a stranger': (forge) => forge.stranger({ alg: 'RS256' }, strangers.rsa.privateKey),
  'the key of a stranger': (forge) => forge.stranger({}),
  'the key of a stranger, who names none': (forge) => forge.stranger({ kid: undefined }),
  'the key of a stranger in it': (forge) =>
    forge.stranger({ jwk: strangers.ec.publicKey.export({ format: 'jwk' }), kid: undefined }),
  'the key of a stranger in it, beside ours': (forge) =>
    forge.withHeader({ jwk: strangers.ec.publicKey.export({ format: 'jwk' }) }),
  'a URL of keys': (forge) => forge.withHeader({ jku: 'http://127.0.0.1:1/keys' }),
  'a URL of a certificate': (forge) => forge.withHeader({ x5u: 'http://127.0.0.1:1/certificate' }),
  'a certificate in it': (forge) => forge.withHeader({ x5c: ['MIIB'] }),
  'a critical extension': (forge) => forge.withHeader({ crit: ['exp'], exp: now() + 60 }),
  'claims that are not encoded': (forge) => forge.withHeader({ b64: false, crit: ['b64'] }),
  'claims that are compressed': (forge) => forge.withHeader({ zip: 'DEF' }),
  'a token within a token': (forge) => forge.withHeader({ cty: 'JWT' }),
  'a key id that is a path': (forge) => forge.withHeader({ kid: '../../../../dev/null' }),
  'a key id that is a query': (forge) => forge.withHeader({ kid: "' or 1=1 --" }),
  'a key id of no key': (forge) => forge.withHeader({ kid: `${forge.door.kid}x` }),
  'a key id of every object': (forge) => forge.withHeader({ kid: '__proto__' }),
  'an empty key id': (forge) => forge.withHeader({ kid: '' }),
  'a key id that is a number': (forge) => forge.withHeader({ kid: 1 }),
  'a key id without end': (forge) => forge.withHeader({ kid: 'x'.repeat(2000) }),
  'typ of a logout token': (forge) => forge.withHeader({ typ: 'logout+jwt' }),
  'typ that is a number': (forge) => forge.withHeader({ typ: 1 }),
  'typ of something else': (forge) => forge.withHeader({ typ: 'secevent+jwt' }),

  // Its signature.
  'a changed bit of the signature': async (forge) => {
    const [header, claims, signature] = await forge.parts();
    const bytes = Buffer.from(signature, 'base64url');
    bytes[10]! ^= 1;
    return `${header}.${claims}.${bytes.toString('base64url')}`;
  },
  'a signature of zeros': async (forge) =>
    `${(await forge.parts()).slice(0, 2).join('.')}.${base64url(new Uint8Array(64))}`,
  'a signature cut short': async (forge) => (await forge.good()).slice(0, -22),
  'a signature in DER': async (forge) => {
    const [header, claims, signature] = await forge.parts();
    const bytes = Buffer.from(signature, 'base64url');
    const der = Buffer.concat([
      Buffer.from([0x30, 68, 2, 32]),
      bytes.subarray(0, 32),
      Buffer.from([2, 32]),
      bytes.subarray(32),
    ]);
    return `${header}.${claims}.${der.toString('base64url')}`;
  },
  'the signature of another token': async (forge) => {
    const [header, claims] = await forge.parts();
    const other = (await forge.withClaims({ other: true })).split('.')[2]!;
    return `${header}.${claims}.${other}`;
  },
  'claims changed after it was signed': async (forge) => {
    const [header, , signature] = await forge.parts();
    return `${header}.${base64url(JSON.stringify({ ...forge.door.claims(), scope: '*' }))}.${signature}`;
  },

  // What it says.
  'no issuer': (forge) => forge.without('iss'),
  'another issuer': (forge) => forge.withClaims({ iss: 'https://issuer.example' }),
  'an issuer with a slash too many': (forge) => forge.withClaims({ iss: `${String(forge.door.claims().iss)}/` }),
  'an issuer in other letters': (forge) => forge.withClaims({ iss: String(forge.door.claims().iss).toUpperCase() }),
  'an issuer that looks alike': (forge) => forge.withClaims({ iss: `${String(forge.door.claims().iss)}\u{200b}` }),
  'two issuers': (forge) => forge.withClaims({ iss: [forge.door.claims().iss, 'https://issuer.example'] }),
  'no audience': (forge) => forge.without('aud'),
  'another audience': (forge) => forge.withClaims({ aud: 'somebody-else' }),
  'an audience that looks alike': (forge) => forge.withClaims({ aud: 'h\u{0435}ddle' }),
  'an audience of nobody': (forge) => forge.withClaims({ aud: [] }),
  'an audience that is an object': (forge) => forge.withClaims({ aud: { 0: forge.door.claims().aud } }),
  'no end': (forge) => forge.without('exp'),
  'an end a minute ago': (forge) => forge.withClaims({ exp: now() - 61 }),
  'an end that is a text': (forge) => forge.withClaims({ exp: String(now() + 60) }),
  'an end in milliseconds': (forge) => forge.withClaims({ exp: Date.now() + 60_000 }),
  'an end before all time': (forge) => forge.withClaims({ exp: -1 }),
  'an end of null': (forge) => forge.withClaims({ exp: null }),
  'a beginning in two minutes': (forge) => forge.withClaims({ nbf: now() + 120 }),
  'a beginning that is a text': (forge) => forge.withClaims({ nbf: 'tomorrow' }),
  'issued in two minutes': (forge) => forge.withClaims({ iat: now() + 120 }),
  'issued at no time': (forge) => forge.without('iat'),
  'issued at a text': (forge) => forge.withClaims({ iat: 'yesterday' }),
  'no subject': (forge) => forge.without('sub'),
  'a subject that is a list': (forge) => forge.withClaims({ sub: [forge.door.claims().sub] }),
  'a subject that is nobody': (forge) => forge.withClaims({ sub: 'nobody' }),
};

/** What is bad where a token has to say what it is and which key it is signed with. */
const BAD_WHERE_STRICT: typeof BAD = {
  'no key id': (forge) => forge.withHeader({ kid: undefined }),
  'no typ': (forge) => forge.withHeader({ typ: undefined }),
  'typ of an id token': (forge) => forge.withHeader({ typ: 'JWT' }),
};

/** Every kind of bad token is refused at a door, and a good one is let in right after each. */
export function badTokensContract(name: string, door: () => TokenDoor | Promise<TokenDoor>): void {
  describe(`${name} refuses a token with`, () => {
    it('nothing wrong: lets it in', async () => {
      const forge = new Forge(await door());
      expect(await forge.door.enter(await forge.good())).toBe(true);
    });

    it.each(Object.entries({ ...BAD, ...BAD_WHERE_STRICT }))('%s', async (kind, bad) => {
      const forge = new Forge(await door());
      if (forge.door.isLenient && kind in BAD_WHERE_STRICT) return;
      expect(await forge.door.enter(await bad(forge))).toBe(false);
      expect(await forge.door.enter(await forge.good())).toBe(true);
    });
  });
}

/** How many kinds there are. */
export const BAD_TOKEN_KINDS = Object.keys(BAD).length + Object.keys(BAD_WHERE_STRICT).length;

function rsaKey() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function p384Key() {
  return generateKeyPairSync('ec', { namedCurve: 'P-384' });
}

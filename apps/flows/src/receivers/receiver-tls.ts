import { X509Certificate, createPrivateKey } from 'node:crypto';
import { Agent, type Dispatcher } from 'undici';
import type { HttpsReceiverRule } from '../flow.shape.js';

type TlsRule = NonNullable<HttpsReceiverRule['tls']>;

/** What the variables that a flow names have. */
interface Values {
  get(variable: string): string;
}

/**
 * Connections to a receiver of its own TLS: with a CA, only certificates of that one are believed, and no other; with a
 * certificate, that is shown to it. Nothing where the flow says nothing of either.
 */
export function connectionsOf(rule: TlsRule | undefined, values: Values): Dispatcher | undefined {
  if (rule === undefined) return undefined;
  const { caFrom, certificateFrom, keyFrom } = rule;
  return new Agent({
    connect: {
      ...(caFrom === undefined ? {} : { ca: values.get(caFrom) }),
      ...(certificateFrom === undefined || keyFrom === undefined
        ? {}
        : { cert: values.get(certificateFrom), key: values.get(keyFrom) }),
    },
  });
}

/** What is wrong with the certificates and the key that a flow names, so that it is known before a message waits. */
export function identityProblem({ caFrom, certificateFrom, keyFrom }: TlsRule, values: Values): string | undefined {
  for (const variable of [caFrom, certificateFrom]) {
    if (variable !== undefined && read(() => new X509Certificate(values.get(variable))) === undefined)
      return `${variable} is no certificate as PEM`;
  }
  if (certificateFrom === undefined || keyFrom === undefined) return undefined;
  const key = read(() => createPrivateKey(values.get(keyFrom)));
  if (key === undefined) return `${keyFrom} is no private key as PEM, or one that needs a passphrase`;
  const certificate = new X509Certificate(values.get(certificateFrom));
  return certificate.checkPrivateKey(key) ? undefined : `${keyFrom} is not the key of ${certificateFrom}`;
}

function read<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

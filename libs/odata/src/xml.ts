/** An element of XML, as text. */
export type Xml = string & { readonly isXml: unique symbol };

type Attributes = Readonly<Record<string, string | undefined>>;

/** An element with others, or with text that is escaped, in it. Attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes = {}, ...children: readonly Xml[]): Xml {
  return `<${name}${attributesOf(attributes)}${children.length === 0 ? '/>' : `>${children.join('')}</${name}>`}` as Xml;
}

/** Text as it may stand in an element or an attribute. What XML 1.0 has no character for becomes the one for that. */
export function escaped(text: string): Xml {
  return text
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
    .replaceAll(UNKNOWN, '\ufffd') as Xml;
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNKNOWN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

function attributesOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${escaped(value)}"`]))
    .join('');
}

/** A document, with what stands before its first element. */
export function xmlDocument(root: Xml): string {
  return `<?xml version="1.0" encoding="utf-8"?>${root}`;
}

/** The namespaces of OData V2 in Atom (OData Atom format 2.0). */
export const NAMESPACES = {
  atom: 'http://www.w3.org/2005/Atom',
  app: 'http://www.w3.org/2007/app',
  m: 'http://schemas.microsoft.com/ado/2007/08/dataservices/metadata',
  d: 'http://schemas.microsoft.com/ado/2007/08/dataservices',
  related: 'http://schemas.microsoft.com/ado/2007/08/dataservices/related/',
  scheme: 'http://schemas.microsoft.com/ado/2007/08/dataservices/scheme',
  edmx: 'http://schemas.microsoft.com/ado/2007/06/edmx',
  edm: 'http://schemas.microsoft.com/ado/2008/09/edm',
  sap: 'http://www.sap.com/Protocols/SAPData',
} as const;

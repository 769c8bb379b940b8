/**
 * `avsc` without logical types: decimals are bytes, times are numbers, and nothing is checked. `avsc-json-form` has
 * logical types that give the JSON form, as plainly as they can be written, and checks nothing either.
 */
export const CODECS = ['heddle', 'avsc', 'avsc-json-form', 'json'] as const;
export type CodecName = (typeof CODECS)[number];

export interface CodecTurn {
  events: number;
  cpuSeconds: number;
  bytes: number;
}

import { HeddleError } from '@heddle/event';

/** A request that breaks a rule of the protocol, or asks for more than is answered; says where and which rule. */
export function refusal(field: string, rule: string): HeddleError {
  return new HeddleError('parameter-invalid', `${field}: ${rule}`, { fields: [{ field, rule }] });
}

/** A query that is allowed, only not of this size. */
export function tooComplex(field: string, rule: string): HeddleError {
  return new HeddleError('too-complex', `${field}: ${rule}`, { fields: [{ field, rule }] });
}

/** A body that says something wrong about a field. */
export function invalid(field: string, rule: string): HeddleError {
  return new HeddleError('data-invalid', `${field}: ${rule}`, { fields: [{ field, rule }] });
}

/** Of what clients wrote, as much as an error repeats. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

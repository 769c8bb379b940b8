import fc from 'fast-check';
import { type Expression, OPERATORS, type Operator } from './filter.js';
import { type Literal, decimalOf } from './literal.js';

/** Texts without what PostgreSQL has no character for. */
const texts = fc
  .string({ maxLength: 12, unit: 'grapheme' })
  .filter((text) => !text.includes('\0') && text.isWellFormed());
const instants = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59Z'),
  noInvalidDate: true,
});

const decimals = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: 0, max: 9 }))
  .map(([units, scale]) => {
    const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
    const whole = digits.slice(0, digits.length - scale);
    return decimalOf(`${units < 0n ? '-' : ''}${whole}.${digits.slice(digits.length - scale)}0`);
  });

/** Any literal. */
export const literals: fc.Arbitrary<Literal> = fc.oneof(
  fc.constant<Literal>({ type: 'null', value: null }),
  fc.boolean().map((value): Literal => ({ type: 'Edm.Boolean', value })),
  texts.map((value): Literal => ({ type: 'Edm.String', value })),
  fc.integer().map((value): Literal => ({ type: 'Edm.Int32', value })),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value): Literal => ({ type: 'Edm.Int64', value: String(value) })),
  decimals.map((value): Literal => ({ type: 'Edm.Decimal', value })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value): Literal => ({ type: 'Edm.Double', value: value === 0 ? 0 : value })),
  instants.map((date): Literal => ({ type: 'Edm.DateTime', value: date.getTime() })),
  instants.map((date): Literal => ({ type: 'Edm.DateTimeOffset', value: date.getTime() })),
  fc.integer({ min: 0, max: 86_399_999 }).map((value): Literal => ({ type: 'Edm.Time', value })),
  fc.uuid().map((value): Literal => ({ type: 'Edm.Guid', value })),
);

const names = fc.constantFrom('Text', 'Amount', 'IsOpen', 'to_Buyer', 'eqality', 'android', 'notes', 'A1');
const calls = fc.constantFrom('substringof', 'length', 'nosuch', 'year');

/** Any expression, whatever it is about. */
export const expressions: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    literals.map((literal): Expression => ({ kind: 'literal', literal })),
    fc.array(names, { minLength: 1, maxLength: 3 }).map((path): Expression => ({ kind: 'path', path })),
    fc
      .tuple(fc.constantFrom(...(Object.keys(OPERATORS) as Operator[])), tie('any'), tie('any'))
      .map(([operator, left, right]): Expression => ({ kind: 'binary', operator, left, right })),
    fc
      .tuple(fc.constantFrom('not' as const, 'minus' as const), tie('any'))
      .map(([kind, operand]): Expression => ({ kind, operand })),
    fc
      .tuple(calls, fc.array(tie('any'), { maxLength: 3 }))
      .map(([name, args]): Expression => ({ kind: 'call', name, args })),
  ),
})).any;

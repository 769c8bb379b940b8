import { HeddleError } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printExpression } from './filter.js';
import { parseFilter, parseOrderBy } from './filter-parse.js';
import { expressions, literals } from './filter-trial.js';
import { printLiteral, scanLiteral } from './literal.js';

/** An expression with all its brackets. */
function shape(text: string): string {
  const print = (expression: ReturnType<typeof parseFilter>): string => {
    switch (expression.kind) {
      case 'binary':
        return `(${print(expression.left)} ${expression.operator} ${print(expression.right)})`;
      case 'not':
      case 'minus':
        return `${expression.kind}[${print(expression.operand)}]`;
      default:
        return printExpression(expression);
    }
  };
  return print(parseFilter(text));
}

function refusalOf(text: string): HeddleError {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof HeddleError) return error;
    throw error;
  }
  throw new Error(`${text} was read.`);
}

describe('literals', () => {
  it('that are printed are read as what they were', () => {
    fc.assert(
      fc.property(literals, (literal) => {
        const text = printLiteral(literal);
        expect(scanLiteral(text, 0, 'test')).toEqual({ literal, end: text.length });
      }),
    );
  });

  it.each<[text: string, type: string, value: unknown]>([
    ["'it''s'", 'Edm.String', "it's"],
    ['12.50', 'Edm.Decimal', '12.5'],
    ['12.5M', 'Edm.Decimal', '12.5'],
    ['007', 'Edm.Int32', 7],
    ['-0', 'Edm.Int32', 0],
    ['2147483648', 'Edm.Int64', '2147483648'],
    ['9223372036854775808', 'Edm.Decimal', '9223372036854775808'],
    ['1.5e3', 'Edm.Double', 1500],
    ["datetime'2026-11-21T10:00'", 'Edm.DateTime', Date.UTC(2026, 10, 21, 10)],
    ["datetime'2026-11-21T10:00:00.1234567'", 'Edm.DateTime', Date.UTC(2026, 10, 21, 10) + 123],
    ["datetimeoffset'2026-11-21T10:00:00+02:00'", 'Edm.DateTimeOffset', Date.UTC(2026, 10, 21, 8)],
    ["time'PT10H30M'", 'Edm.Time', 37_800_000],
    ["guid'0000ABCD-0000-0000-0000-000000000001'", 'Edm.Guid', '0000abcd-0000-0000-0000-000000000001'],
  ])('%s is %s', (text, type, value) => {
    expect(scanLiteral(text, 0, 'test')?.literal).toEqual({ type, value });
  });

  it.each([
    "datetime'2026-02-30T10:00'",
    "datetime'2026-01-01T24:00:00'",
    "datetimeoffset'2026-01-01T10:00:00'",
    "time'PT25H'",
    "guid'1'",
    "'\0'",
    '99999999999999999999L',
    '1.5L',
    '1e400',
  ])('%s is none, and the refusal says so', (text) => {
    expect(refusalOf(`A eq ${text}`)).toMatchObject({ status: 400, field: '$filter' });
  });
});

describe('filters', () => {
  it('that are printed are read as what they were', () => {
    fc.assert(
      fc.property(expressions, (expression) => {
        expect(parseFilter(printExpression(expression))).toEqual(expression);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a eq 1 or b eq 2 and c eq 3', '((a eq 1) or ((b eq 2) and (c eq 3)))'],
    ['(a eq 1 or b eq 2) and c eq 3', '(((a eq 1) or (b eq 2)) and (c eq 3))'],
    ['a add b mul c sub d gt 1', '(((a add (b mul c)) sub d) gt 1)'],
    ['a sub b sub c eq 0', '(((a sub b) sub c) eq 0)'],
    ["not startswith(a,'x') and b", "(not[startswith(a,'x')] and b)"],
    ['not (a eq 1)', 'not[(a eq 1)]'],
    ['a lt b eq true', '((a lt b) eq true)'],
    ['-a add -1 eq -(2)', '((minus[a] add -1) eq minus[2])'],
    [" substringof( 'x' , toupper(a) ) eq\ttrue", "(substringof('x',toupper(a)) eq true)"],
    ["substringof ('x', a) and not (b)", "(substringof('x',a) and not[b])"],
    ['notes eq 1 and orders/anders ne null', '((notes eq 1) and (orders/anders ne null))'],
  ])('%s reads as %s', (text, wanted) => {
    expect(shape(text)).toBe(wanted);
  });

  it.each([
    ['', 'character 1'],
    ['a eq', 'character 3'],
    ['a eq 1 b', 'character 8'],
    ['(a eq 1', 'character 8'],
    ["a eq 'x", 'character 6'],
    ['a = 1', 'character 3'],
    ['a/', 'character 3'],
    ['f(1', 'character 4'],
    ['a eq datetime(1', 'character 16'],
  ])('%j is refused, and it is said where', (text, where) => {
    expect(refusalOf(text).message).toContain(where);
  });

  it('are bounded in what they hold and how deep they go, and read in time however long they are', () => {
    expect(refusalOf(Array.from({ length: 251 }, () => 'a eq 1').join(' or ')).code).toBe('too-complex');
    expect(() => parseFilter(Array.from({ length: 250 }, () => 'a eq 1').join(' or '))).not.toThrow();
    expect(refusalOf(`${'('.repeat(5000)}a${')'.repeat(5000)}`).code).toBe('too-complex');
    expect(refusalOf('not '.repeat(5000)).code).toBe('too-complex');
    expect(refusalOf(`${'-'.repeat(5000)}1`).code).toBe('too-complex');
    expect(refusalOf(`a eq '${"''".repeat(100_000)}`).code).toBe('parameter-invalid');
    expect(refusalOf(`a eq ${'1'.repeat(100_000)}`).code).toBe('parameter-invalid');
    expect(refusalOf(`a${' '.repeat(100_000)}!`).code).toBe('parameter-invalid');
  });

  it('of any text are read or refused, and nothing else', () => {
    const pieces = fc.constantFrom(
      'a',
      'eq',
      ' ',
      '(',
      ')',
      "'",
      '1',
      'M',
      '-',
      '/',
      ',',
      'not',
      'null',
      "datetime'",
      '.',
      'e',
      '%',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 30 }), (parts) => {
        try {
          parseFilter(parts.join(''));
        } catch (error) {
          expect(error).toMatchObject({ status: 400 });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

it('orders are read term by term', () => {
  expect(
    parseOrderBy('a desc, length(b) , c/d asc').map(({ expression, isDescending }) => [
      printExpression(expression),
      isDescending,
    ]),
  ).toEqual([
    ['a', true],
    ['length(b)', false],
    ['c/d', false],
  ]);
  expect(() => parseOrderBy('a desc b')).toThrow('character 8');
});

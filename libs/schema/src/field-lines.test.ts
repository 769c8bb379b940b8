import { expect, it } from 'vitest';
import { lineOfPath } from './field-lines.js';

const FILE = `{
  "type": "record", "name": "Order",
  "doc": "An order, with \\"name\\": \\"City\\" in its text.",
  "fields": [
    { "name": "Order", "type": "string" },
    {
      "doc": "Where to.",
      "name": "To",
      "type": ["null", {
        "type": "record", "name": "Address",
        "fields": [
          { "name": "Zip", "type": "string" },
          { "name": "City", "type": "string" }
        ]
      }]
    },
    { "name": "Items", "type": { "type": "array", "items": { "type": "record", "name": "Item", "fields": [
      { "name": "Material", "type": "string" }
    ] } } }
  ]
}
`;

it.each([
  ['data', 1],
  ['data.Order', 5],
  ['data.To', 8],
  ['data.To.City', 13],
  ['data.Items.[].Material', 18],
])('%s stands in line %i', (path, line) => {
  expect(lineOfPath(FILE, path)).toBe(line);
});

it('what the file no longer has stands where the fields begin that it was among', () => {
  expect(lineOfPath(FILE, 'data.Amount')).toBe(4);
  expect(lineOfPath(FILE, 'data.To.Street')).toBe(11);
});

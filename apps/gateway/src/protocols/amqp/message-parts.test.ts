import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MessageParts } from './message-parts.js';

it('a message is the same however its frames cut it, and the next one begins anew', () => {
  const parts = new MessageParts();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 6000 }), { maxLength: 20 }), (pieces) => {
      for (const piece of pieces) parts.add(piece);
      const whole = Buffer.concat(pieces);
      expect(parts.length).toBe(whole.length);
      expect(parts.take().equals(whole)).toBe(true);
      expect(parts.length).toBe(0);
    }),
  );
});

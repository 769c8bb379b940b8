import { type Expected, expectedOf, readShape, requiredOf } from '@heddle/runtime';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { keyShape } from './field-shapes.js';
import { type OriginOfChange, originOf } from './origin.js';

/** What a client asks for beside the change itself: of which object, at which version, and where the wish comes from. */
export interface ChangeRequest {
  key: string;
  expected: Expected;
  origin: OriginOfChange;
}

type Asked = Pick<FastifyRequest, 'params' | 'headers'>;

/** The request to change the object in the path (`:key`), which has to say of which version. */
export const MustMatch = createParamDecorator((_: unknown, context: ExecutionContext) =>
  changeRequestOf(context.switchToHttp().getRequest<Asked>(), requiredOf),
);

/** As {@link MustMatch}, but any version is changed when none is named. */
export const MayMatch = createParamDecorator((_: unknown, context: ExecutionContext) =>
  changeRequestOf(context.switchToHttp().getRequest<Asked>(), expectedOf),
);

/** As {@link MayMatch}, for a route outside of controllers. @throws HeddleError `data-invalid` for what can be no key */
export function mayMatch(asked: Asked): ChangeRequest {
  return changeRequestOf(asked, expectedOf);
}

/** @throws HeddleError `data-invalid` for what can be no key, and what the reader of If-Match throws */
function changeRequestOf({ params, headers }: Asked, read: (ifMatch: string | undefined) => Expected): ChangeRequest {
  const key = readShape(keyShape, (params as { key?: string }).key);
  return { key, expected: read(headers['if-match']), origin: originOf(headers) };
}

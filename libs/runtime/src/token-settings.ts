import { z } from 'zod';
import { baseUrlSchema } from './mesh-settings.js';

/** What tokens of a mesh say of themselves: to who issues them, and to who believes them. */
export const tokenSettings = {
  issuer: {
    env: 'HEDDLE_ISSUER',
    schema: z.string().min(1).optional(),
    about: 'issuer as access tokens name it, where that is not the URL of the gateway',
  },
  tokenAudience: {
    env: 'HEDDLE_TOKEN_AUDIENCE',
    schema: z.string().min(1).default('heddle'),
    about: 'audience of access tokens: one for all processes of a mesh',
  },
} as const;

/** The same with where they come from, for processes that believe a gateway. */
export const gatewayTokenSettings = {
  issuerUrl: {
    env: 'HEDDLE_ISSUER_URL',
    schema: baseUrlSchema.default('http://127.0.0.1:8080'),
    about: 'URL of the gateway, whose tokens are believed',
  },
  ...tokenSettings,
} as const;

// The door for NestJS: only what is behind it needs `@nestjs/common` and `rxjs`, which such an application has.
export { ReceivedEvent, ReceivedWebhook } from './nest-received.js';
export { WebhookInterceptor, type WebhookInterceptorOptions } from './nest-webhooks.js';

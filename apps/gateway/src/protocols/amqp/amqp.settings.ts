import { type SettingsOf, countSchema, defineSettings, portSchema } from '@heddle/runtime';

/** What AMQP clients may have, and where they find plain AMQP. */
export const amqpSettings = {
  amqpPort: {
    env: 'HEDDLE_AMQP_PORT',
    schema: portSchema.optional(),
    about:
      'TCP port of AMQP 1.0 without a WebSocket around it, over TLS where HEDDLE_TLS is own; none when not set. Commonly 5671 with TLS and 5672 without',
  },
  amqpFrameBytes: {
    env: 'HEDDLE_AMQP_FRAME_BYTES',
    schema: countSchema(4096, 1024 * 1024).default(64 * 1024),
    about: 'bytes of one frame of an AMQP client at most',
  },
  amqpMessageBytes: {
    env: 'HEDDLE_AMQP_MESSAGE_BYTES',
    schema: countSchema(4096, 16 * 1024 * 1024).default(1024 * 1024),
    about: 'bytes of one message of an AMQP client at most, with its properties',
  },
  amqpSessions: {
    env: 'HEDDLE_AMQP_SESSIONS',
    schema: countSchema(1, 1024).default(8),
    about: 'sessions of one AMQP connection',
  },
  amqpLinks: {
    env: 'HEDDLE_AMQP_LINKS',
    schema: countSchema(1, 10_000).default(64),
    about: 'links of one AMQP connection, of all its sessions together',
  },
  amqpIdleSeconds: {
    env: 'HEDDLE_AMQP_IDLE_SECONDS',
    schema: countSchema(2, 3600).default(120),
    about: 'seconds in which something has to be heard from an AMQP client; it is told half of that',
  },
  amqpHoldSeconds: {
    env: 'HEDDLE_AMQP_HOLD_SECONDS',
    schema: countSchema(10, 86_400).default(1800),
    about:
      'seconds for which a delivery to an AMQP client stays its own while its link lives; not settled by then, it comes again',
  },
} as const;

const rules = defineSettings(amqpSettings);

export type AmqpSettings = SettingsOf<typeof rules>;

/** The settings of whoever sets none. */
export const AMQP_VALUES: AmqpSettings = rules.read({});

import { type SettingsOf, countSchema, defineSettings, portSchema } from '@heddle/runtime';
import { z } from 'zod';

/** The doors of MQTT, and what their clients may have. */
export const mqttSettings = {
  mqttPort: {
    env: 'HEDDLE_MQTT_PORT',
    schema: portSchema.optional(),
    about: 'TCP port for MQTT without encryption; none when not set. Over WebSocket MQTT is always there',
  },
  mqttTlsPort: {
    env: 'HEDDLE_MQTT_TLS_PORT',
    schema: portSchema.optional(),
    about: 'TCP port for MQTT under TLS, with the certificate of HEDDLE_TLS_CERT; none when not set',
  },
  mqttMaxPacketBytes: {
    env: 'HEDDLE_MQTT_MAX_PACKET_BYTES',
    schema: countSchema(4096, 16 * 1024 * 1024).default(1024 * 1024),
    about: 'bytes of one MQTT packet at most',
  },
  mqttMaxInFlight: {
    env: 'HEDDLE_MQTT_MAX_IN_FLIGHT',
    schema: countSchema(1, 65_535).default(1000),
    about: 'messages of QoS 1 and 2 under way at once in each direction of an MQTT connection, at most',
  },
  mqttMaxSubscriptions: {
    env: 'HEDDLE_MQTT_MAX_SUBSCRIPTIONS',
    schema: countSchema(1, 10_000).default(100),
    about: 'subscriptions of one MQTT session at most',
  },
  mqttMaxSessionHours: {
    env: 'HEDDLE_MQTT_MAX_SESSION_HOURS',
    schema: z.coerce.number('must be a number').min(0).max(8760).default(168),
    about: 'hours that an MQTT session may be kept for a client that is away; longer ones end then',
  },
  mqttAckSeconds: {
    env: 'HEDDLE_MQTT_ACK_SECONDS',
    schema: countSchema(1, 86_400).default(600),
    about: 'seconds in which an MQTT client has to acknowledge what it was given, before it is let go',
  },
  mqttRetained: {
    env: 'HEDDLE_MQTT_RETAINED',
    schema: countSchema(0, 10_000).default(100),
    about:
      'objects whose last event a new MQTT subscription is given as retained, at most; 0 turns retained messages off',
  },
  mqttRetainedBytes: {
    env: 'HEDDLE_MQTT_RETAINED_BYTES',
    schema: countSchema(0, 1024 * 1024 * 1024).default(16 * 1024 * 1024),
    about: 'bytes of the messages of one tenant that are retained, at most; every instance has them in memory',
  },
} as const;

const rules = defineSettings(mqttSettings);

export type MqttValues = SettingsOf<typeof rules>;

/** The values of whoever sets none. */
export const MQTT_VALUES: MqttValues = rules.read({});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { meshSettings, portSchema } from './mesh-settings.js';
import { defineSettings } from './settings.js';

const settings = defineSettings({
  ...meshSettings,
  port: { env: 'PORT', schema: portSchema.default(8080), about: 'port to listen on' },
  password: {
    env: 'HEDDLE_PASSWORD',
    schema: z.string().min(3, 'must have 3 characters').default('none'),
    about: 'a secret',
    secret: true,
  },
});

describe('settings', () => {
  it('have defaults, and values of their types', () => {
    expect(settings.read({ PORT: '99', KAFKA_BROKERS: 'a:1, b:2', LOG_LEVEL: '' })).toMatchObject({
      port: 99,
      kafkaBrokers: ['a:1', 'b:2'],
      logLevel: 'info',
      tls: undefined,
    });
  });

  it('that are wrong are all named, each with its rule', () => {
    expect(() => settings.read({ PORT: '99999', LOG_LEVEL: 'loud', SCHEMA_REGISTRY_URL: 'ftp://x' })).toThrow(
      /SCHEMA_REGISTRY_URL must be an http or https URL.*\n.*LOG_LEVEL must be debug.*\n.*PORT must be 0 to 65535/s,
    );
  });

  it('with our prefix that nobody knows stop the start, naming the nearest', () => {
    expect(() => settings.read({ HEDDLE_TSL: 'own' })).toThrow('HEDDLE_TSL is not a setting; did you mean HEDDLE_TLS?');
    expect(() => settings.read({ HEDDLE_FLAMINGO: 'pink' })).toThrow(/HEDDLE_FLAMINGO is not a setting$/);
    expect(settings.read({ SOMEBODY_ELSES: 'x' }).port).toBe(8080);
  });

  it('are read in a shell that has the token of a client, which is none of them', () => {
    expect(settings.read({ HEDDLE_TOKEN: 'x', HEDDLE_CLIENT_ID: 'shop' }).port).toBe(8080);
  });

  it('that are secret are read from the file that is named, and only those', () => {
    const dir = mkdtempSync(join(tmpdir(), 'heddle-settings-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, 'secret');
    writeFileSync(file, 'hush-hush\n');
    expect(settings.read({ HEDDLE_PASSWORD_FILE: file }).password).toBe('hush-hush');
    expect(() => settings.read({ HEDDLE_PASSWORD_FILE: `${file}-not` })).toThrow('cannot be read');
    expect(settings.read({ PORT_FILE: file }).port).toBe(8080);
  });

  it('whose file is gone say so in one line, with what to do where there is more to it, and nothing of a value', () => {
    const keys = defineSettings({
      key: { env: 'KEY', schema: z.string().min(3), about: 'a key', secret: true, whenGone: 'Put it back.' },
    });
    const file = join(tmpdir(), 'heddle-not-there');
    expect(() => keys.read({ KEY_FILE: file })).toThrow(
      expect.objectContaining({
        message: `KEY_FILE names a file that cannot be read: ${file}. Put it back.`,
      }) as Error,
    );
  });

  it('describe themselves, without the values of secrets', () => {
    const row = settings.describe().find(({ env }) => env === 'PORT');
    expect(row).toMatchObject({ about: 'port to listen on', secret: false });
    expect(settings.keys).toContain('HEDDLE_PASSWORD_FILE');
  });
});

import { readFile } from 'node:fs/promises';
import { compatibilityFindings, loadSchemaFiles, type AvroSchema, type Finding } from '@heddle/schema';
import { beforeAll, describe, expect, it } from 'vitest';
import { path } from '../architecture/tree.js';
import { javaVerdicts, whyNoJava, type SchemaPair } from './java-verdicts.js';
import { schemaPairs } from './schema-pairs.js';

const PAIRS = 10_500;
const SEED = 20_260_131;
/** Rules that Avro does not have: each is a row of the table in the guide. */
const BEYOND_AVRO = ['decimal-changed', 'logical-type-changed', 'namespace-changed'];

interface Judged {
  pair: SchemaPair;
  findings: Finding[];
  java: string;
}

const missing = await whyNoJava();

describe.skipIf(missing !== undefined)(
  `verdicts on ${PAIRS} pairs of schemas${missing === undefined ? '' : ` (not asked: ${missing})`}`,
  () => {
    let judged: Judged[];

    beforeAll(async () => {
      const real = (await loadSchemaFiles(path('schemas'))).map(({ schema }) => schema);
      const pairs = schemaPairs(PAIRS, SEED, real, isSchema);
      const verdicts = await javaVerdicts(pairs);
      judged = pairs.map((pair, index) => ({ pair, findings: findingsOf(pair), java: verdicts[index] ?? '' }));
    }, 600_000);

    it('are asked about schemas that Apache Avro takes for valid, of which many fit and many do not', () => {
      expect(judged).toHaveLength(PAIRS);
      expect(judged.filter(({ java }) => java.startsWith('invalid')).slice(0, 3)).toEqual([]);
      const fit = judged.filter(({ java }) => java === 'compatible').length;
      expect(fit).toBeGreaterThan(PAIRS / 4);
      expect(PAIRS - fit).toBeGreaterThan(PAIRS / 4);
    });

    it('are those of Apache Avro, pair by pair', () => {
      const different = judged.filter(({ findings, java }) => {
        const ours = findings.every(({ rule }) => BEYOND_AVRO.includes(rule));
        return ours !== (java === 'compatible');
      });
      expect(different.slice(0, 3).map(shown)).toEqual([]);
    });

    it('are never about a reader that avsc, which reads in the end, would not take', () => {
      expect(judged.filter(({ findings }) => findings.some(({ rule }) => rule === 'unreadable')).map(shown)).toEqual(
        [],
      );
    });

    it('are stricter than that for the reasons that the guide explains, and every reason comes up', async () => {
      const stricter = judged.filter(({ findings, java }) => java === 'compatible' && findings.length > 0);
      const rules = new Set(stricter.flatMap(({ findings }) => findings.map(({ rule }) => rule)));
      const guide = await readFile(path('docs/guides/schemas.md'), 'utf8');
      const explained = [...guide.matchAll(/^\| `([a-z-]+)` /gm)].map(([, rule]) => rule);
      expect([...rules].toSorted()).toEqual(BEYOND_AVRO);
      expect([...rules].filter((rule) => !explained.includes(rule))).toEqual([]);
    });
  },
);

/** Of the reader only: whether it reads what the writer wrote. */
function findingsOf({ reader, writer }: SchemaPair): Finding[] {
  const versions = [{ version: 1, schema: writer as AvroSchema }];
  return compatibilityFindings(reader as AvroSchema, versions, 'BACKWARD').filter(({ breaking }) => breaking);
}

/** Whether Heddle takes it for a schema; what it refuses never comes to a comparison. */
function isSchema(schema: unknown): boolean {
  try {
    compatibilityFindings(schema as AvroSchema, [], 'NONE');
    return true;
  } catch {
    return false;
  }
}

function shown({ pair, findings, java }: Judged): string {
  const ours = findings.map(({ path: at, rule, message }) => `${at} ${rule} ${message}`).join('; ') || 'compatible';
  return `ours: ${ours}\njava: ${java}\nreader: ${JSON.stringify(pair.reader)}\nwriter: ${JSON.stringify(pair.writer)}`;
}

import type { Probe } from './probe.js';

const DAY_MS = 86_400_000;
const SCALE = 3;

/** Data as avsc has it without logical types, which is what the registry's own client for Node hands over. */
interface AvroProbe extends Omit<Probe, 'Amount' | 'Day' | 'At' | 'Blob'> {
  Amount: Buffer;
  Day: number;
  At: number;
  Blob: Buffer;
}

/** A decimal is its unscaled number, a date counts days, a timestamp milliseconds since 1970. */
export function toAvro(data: Probe): AvroProbe {
  return {
    ...data,
    Amount: twosComplement(BigInt(data.Amount.replace('.', ''))),
    Day: Date.parse(data.Day) / DAY_MS,
    At: Date.parse(data.At),
    Blob: Buffer.from(data.Blob, 'base64'),
  };
}

export function fromAvro(data: AvroProbe): Probe {
  const unscaled = BigInt.asIntN(data.Amount.length * 8, BigInt(`0x${data.Amount.toString('hex')}`));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(SCALE + 1, '0');
  return {
    ...data,
    Amount: `${unscaled < 0n ? '-' : ''}${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`,
    Day: new Date(data.Day * DAY_MS).toISOString().slice(0, 10),
    At: new Date(data.At).toISOString(),
    Blob: data.Blob.toString('base64'),
  };
}

/** As few bytes as hold the number and its sign, the highest first. */
function twosComplement(value: bigint): Buffer {
  let bytes = 1;
  while (BigInt.asIntN(bytes * 8, value) !== value) bytes += 1;
  const hex = BigInt.asUintN(bytes * 8, value)
    .toString(16)
    .padStart(bytes * 2, '0');
  return Buffer.from(hex, 'hex');
}

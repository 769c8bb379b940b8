/** A value of JSON and the line it begins on; objects and lists have what they hold. */
interface Placed {
  line: number;
  value?: unknown;
  members?: Map<string, Placed>;
  items?: Placed[];
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * The line (from 1) in a `.avsc` file of what a path of a finding names (`data.Items.[].Material`): of its field, or of
 * the nearest one above that the file has.
 */
export function lineOfPath(text: string, path: string): number {
  const names = path.split('.').slice(1);
  let record = recordIn(placed(text));
  let line = record?.line ?? 1;
  for (const name of names) {
    if (name === '[]' || name === '{}') continue;
    const field = record?.members?.get('fields')?.items?.find(({ members }) => members?.get('name')?.value === name);
    if (field === undefined) return record?.members?.get('fields')?.line ?? line;
    line = field.members?.get('name')?.line ?? field.line;
    record = recordIn(field.members?.get('type'));
  }
  return line;
}

/** The record that a type is, holds as items or values, or has among its branches. */
function recordIn(type: Placed | undefined): Placed | undefined {
  if (type === undefined) return undefined;
  for (const branch of type.items ?? []) {
    const found = recordIn(branch);
    if (found !== undefined) return found;
  }
  if (type.members?.has('fields')) return type;
  return (
    recordIn(type.members?.get('items')) ?? recordIn(type.members?.get('values')) ?? recordIn(type.members?.get('type'))
  );
}

/** Reads JSON that is known to be right, as it has been read before, for its places. */
function placed(text: string): Placed {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const tokens = [...text.matchAll(TOKEN)];
  let next = 0;
  let row = 0;
  const lineAt = (offset: number): number => {
    while (row + 1 < starts.length && (starts[row + 1] as number) <= offset) row += 1;
    return row + 1;
  };
  const read = (): Placed => {
    const token = tokens[next++];
    const line = lineAt(token?.index ?? text.length);
    if (token?.[0] === '[') {
      const items: Placed[] = [];
      for (; next < tokens.length && tokens[next]?.[0] !== ']'; skip(',')) items.push(read());
      next += 1;
      return { line, items };
    }
    if (token?.[0] === '{') {
      const members = new Map<string, Placed>();
      for (; next < tokens.length && tokens[next]?.[0] !== '}'; skip(',')) {
        const { value } = read();
        skip(':');
        members.set(String(value), read());
      }
      next += 1;
      return { line, members };
    }
    return { line, value: JSON.parse(token?.[0] ?? 'null') as unknown };
  };
  const skip = (mark: string): void => void (tokens[next]?.[0] === mark && (next += 1));
  return read();
}

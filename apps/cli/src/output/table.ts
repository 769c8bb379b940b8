/** A column: its title, and what stands in it for each row. */
export interface Column<Row> {
  title: string;
  of(row: Row): string | number | boolean | undefined;
  align?: 'right';
  /** Puts colour to a cell that is laid out already. */
  paint?(text: string, row: Row): string;
}

/** Rows under titles, as wide as they have to be. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], ifEmpty = 'none'): string[] {
  if (rows.length === 0) return [ifEmpty];
  const cells = rows.map((row) => columns.map((column) => cellOf(column.of(row))));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((line) => widthOf(line[at] ?? ''))),
  );
  const laidOut = (texts: readonly string[], row?: Row): string =>
    columns
      .map(({ align, paint }, at) => {
        const text = padded(texts[at] ?? '', widths[at] ?? 0, align, at === columns.length - 1);
        return row === undefined || paint === undefined ? text : paint(text, row);
      })
      .join('  ')
      .trimEnd();
  return [
    laidOut(columns.map(({ title }) => title.toUpperCase())),
    ...cells.map((line, index) => laidOut(line, rows[index])),
  ];
}

/** Names with their values, one on each line. */
export function properties(rows: readonly (readonly [string, string | number | boolean | undefined])[]): string[] {
  const known = rows.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${cellOf(value)}`);
}

function cellOf(value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  // What came from elsewhere could move the cursor or ring the bell.
  return String(value).replace(/\p{Cc}/gu, ' ');
}

function padded(text: string, width: number, align: 'right' | undefined, isLast: boolean): string {
  const missing = ' '.repeat(Math.max(0, width - widthOf(text)));
  if (align === 'right') return missing + text;
  return isLast ? text : text + missing;
}

function widthOf(text: string): number {
  // Characters as code points, which is close enough for what stands in tables here.
  return Array.from(text).length;
}

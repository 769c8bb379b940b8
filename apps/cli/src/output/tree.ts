/** A line with what hangs on it. */
export interface TreeNode {
  text: string;
  children?: readonly TreeNode[];
}

/** A tree as lines, drawn with branches. */
export function tree(nodes: readonly TreeNode[]): string[] {
  return nodes.flatMap(({ text, children = [] }) => [text, ...branches(children, '')]);
}

function branches(nodes: readonly TreeNode[], indent: string): string[] {
  return nodes.flatMap(({ text, children = [] }, index) => {
    const isLast = index === nodes.length - 1;
    return [`${indent}${isLast ? '└─ ' : '├─ '}${text}`, ...branches(children, `${indent}${isLast ? '   ' : '│  '}`)];
  });
}

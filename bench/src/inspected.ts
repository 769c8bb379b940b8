import { WebSocket } from 'ws';

/** Makes a Node process that runs with `--inspect` collect its garbage: what is left then is what it holds on to. */
export async function collectGarbage(inspectPort: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${inspectPort}/json/list`);
  const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error('The process cannot be inspected.');
  const inspector = new WebSocket(target.webSocketDebuggerUrl);
  try {
    await new Promise((resolve, reject) => {
      inspector.once('error', reject);
      inspector.once('open', () => inspector.send('{"id":1,"method":"HeapProfiler.collectGarbage"}'));
      inspector.once('message', resolve);
    });
  } finally {
    inspector.close();
  }
}

/** Something stands in the way of a start. The message is one sentence for whoever started it, with what to do. */
export class LaunchError extends Error {
  /** @override */
  name = 'LaunchError';
}

import type { Entry } from './command.js';

/**
 * All there is, in the order of the help. A group of commands is an array of definitions, wherever it comes from; none
 * is loaded before it is used, so that the command line starts at once.
 */
export const commands: readonly Entry[] = [
  {
    name: 'start',
    summary: 'start the whole mesh on this machine, as npm start does',
    load: async () => (await import('./commands/start.js')).start,
  },
  {
    name: 'login',
    summary: 'keep a gateway and who you are there as a context, and use it',
    load: async () => (await import('./commands/login.js')).login,
  },
  {
    name: 'context',
    summary: 'the gateways you work with, and who you are at each',
    load: async () => (await import('./commands/context.js')).contextCommands,
  },
  {
    name: 'publish',
    summary: 'publish events: from a file, a template, or made from a schema',
    load: async () => (await import('./commands/publish.js')).publish,
  },
  {
    name: 'tail',
    summary: 'watch events as they come, or from an earlier time',
    load: async () => (await import('./commands/tail.js')).tail,
  },
  {
    name: 'listen',
    summary: 'deliver events to URLs of this machine, durably, without a tunnel',
    load: async () => (await import('./commands/listen.js')).listen,
  },
  {
    name: 'queue',
    summary: 'queues as files: get, apply, diff, export, delete',
    load: async () => (await import('./commands/queue.js')).queueCommands,
  },
  {
    name: 'webhook',
    summary: 'webhooks as files: get, apply, diff, export, delete',
    load: async () => (await import('./commands/webhook.js')).webhookCommands,
  },
  {
    name: 'channel',
    summary: 'channels: as files, active or not, checked, tested, watched, retried',
    load: async () => (await import('./commands/channel.js')).channelCommands,
  },
  {
    name: 'client',
    summary: 'clients as files: get, apply, diff, export, delete',
    load: async () => (await import('./commands/client.js')).clientCommands,
  },
  {
    name: 'dlq',
    summary: 'dead letters: list, show, put back',
    load: async () => (await import('./commands/dlq.js')).dlqCommands,
  },
  {
    name: 'replay',
    summary: 'deliver stored events of a queue again',
    load: async () => (await import('./commands/replay.js')).replayCommands,
  },
  {
    name: 'trace',
    summary: 'what became of an event, or of all events of an object',
    load: async () => (await import('./commands/trace.js')).trace,
  },
  {
    name: 'schema',
    summary: 'schema files and the registry: check, diff, push, pull, types',
    load: async () => (await import('./commands/schema.js')).schemaCommands,
  },
  {
    name: 'doctor',
    summary: 'find out what is wrong, and what to do',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  {
    name: 'bench',
    summary: 'a small load of its own: from publish to arrival',
    load: async () => (await import('./commands/bench.js')).bench,
  },
  {
    name: 'completion',
    summary: 'the completion of a shell',
    load: async () => (await import('./commands/completion.js')).completion,
  },
];

import { HeddleError, mqttPatterns, parseAddress } from '@heddle/event';

/** What a filter of a client selects. */
export type Wanted =
  /** Topics, for this session alone. */
  | { kind: 'topics'; patterns: readonly string[] }
  /** Topics, shared by the members of a group: each message is for one of them. */
  | { kind: 'shared'; group: string; filter: string; patterns: readonly string[] }
  /** A queue that is there already: `queue:<name>`. */
  | { kind: 'queue'; name: string };

const SHARED = '$share/';
const QUEUE = 'queue:';
const TOPIC = 'topic:';
const GROUP = /^[^/+#]{1,100}$/;
const MAX_FILTER = 256;

/**
 * Reads a topic filter (MQTT 5 §4.7, §4.8.2). Beside those of MQTT there is `queue:<name>`, which takes part in a queue,
 * and `topic:` in front of a filter means nothing.
 *
 * @throws HeddleError `parameter-invalid`; for filters of `$SYS` and others of the server, too
 */
export function readFilter(text: string): Wanted {
  if (text.length > MAX_FILTER) throw filterInvalid(`has ${text.length} characters, of ${MAX_FILTER} at most`);
  if (text.startsWith(QUEUE)) return { kind: 'queue', name: parseAddress(text, 'topic filter').name };
  if (text.startsWith(SHARED)) {
    const at = text.indexOf('/', SHARED.length);
    const group = text.slice(SHARED.length, at === -1 ? undefined : at);
    const filter = at === -1 ? '' : text.slice(at + 1);
    if (!GROUP.test(group) || filter === '') throw filterInvalid('is $share/, the name of a group, / and a filter');
    return { kind: 'shared', group, filter, patterns: patternsOf(filter) };
  }
  return { kind: 'topics', patterns: patternsOf(text) };
}

/** The address that a PUBLISH names: topics as they are, `queue:` and `topic:` as in other protocols. */
export function addressOf(topic: string): string {
  return topic.startsWith(QUEUE) || topic.startsWith(TOPIC) ? topic : TOPIC + topic;
}

/** The topic of a PUBLISH to a client: the name of an address; a queue keeps what says that it is one. */
export function topicOfAddress(address: string): string {
  return address.startsWith(TOPIC) ? address.slice(TOPIC.length) : address;
}

function patternsOf(filter: string): string[] {
  if (filter.startsWith('$')) throw filterInvalid('begins with $: topics of the server itself are not told here');
  return mqttPatterns(filter.startsWith(TOPIC) ? filter.slice(TOPIC.length) : filter);
}

function filterInvalid(rule: string): HeddleError {
  return new HeddleError('parameter-invalid', `The topic filter ${rule}.`, { field: 'topic filter' });
}

import { HeddleError } from './errors.js';

/** Where a message goes: to one queue, or to whoever wants a topic. As text `queue:<name>` or `topic:<name>`. */
export interface Address {
  kind: 'queue' | 'topic';
  name: string;
}

/** Names as SAP Event Mesh has them: characters of the whole, count of segments, characters of a segment. */
export const ADDRESS_LIMITS = {
  topic: { characters: 150, leastSegments: 2, segments: 20 },
  queue: { characters: 164, segments: 20, firstSegment: 111, laterSegment: 109 },
} as const;

const SEGMENT = /^[A-Za-z0-9_.-]+$/;
const NAMESPACE = /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/;
/** A namespace, `ce`, and what is an event type with dots for slashes. */
const TYPE_TOPIC =
  /^([A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+)\/ce\/([A-Za-z0-9][A-Za-z0-9_-]*(?:\/[A-Za-z0-9_-]+)*)$/;

/** Which names are wanted. */
export type TopicMatcher = (topic: string) => boolean;

/** @throws HeddleError `parameter-invalid` for what is neither `queue:` nor `topic:` with a name that may be one */
export function parseAddress(text: string, field = 'address'): Address {
  const at = text.indexOf(':');
  const kind = text.slice(0, Math.max(0, at));
  if (kind !== 'queue' && kind !== 'topic') {
    throw invalid(text, 'must begin with queue: or topic:', field);
  }
  const name = text.slice(at + 1);
  const problem = kind === 'queue' ? queueNameProblem(name) : topicProblem(name);
  if (problem !== undefined) throw invalid(text, problem, field);
  return { kind, name };
}

/** An address as it stands in attributes and headers. */
export function formatAddress({ kind, name }: Address): string {
  return `${kind}:${name}`;
}

/** The rule that the name of a topic breaks, in words; nothing where it may be one. */
export function topicProblem(name: string): string | undefined {
  const { characters, leastSegments, segments } = ADDRESS_LIMITS.topic;
  if (name.length > characters) return `has ${name.length} characters; at most ${characters} are allowed`;
  const parts = name.split('/');
  if (parts.length < leastSegments || parts.length > segments) {
    return `has ${parts.length} segments; ${leastSegments} to ${segments} are allowed`;
  }
  return segmentsProblem(parts);
}

/** The rule that the name of a queue breaks, in words; nothing where it may be one. */
export function queueNameProblem(name: string): string | undefined {
  const { characters, segments, firstSegment, laterSegment } = ADDRESS_LIMITS.queue;
  if (name.length > characters) return `has ${name.length} characters; at most ${characters} are allowed`;
  const parts = name.split('/');
  if (parts.length > segments) return `has ${parts.length} segments; at most ${segments} are allowed`;
  const long = parts.findIndex((part, index) => part.length > (index === 0 ? firstSegment : laterSegment));
  if (long >= 0) {
    return `has a segment of ${parts[long]!.length} characters; at most ${long === 0 ? firstSegment : laterSegment} are allowed there`;
  }
  // In a path they would be taken for steps, even where they are percent-encoded.
  if (parts.some((part) => /^\.+$/.test(part))) return 'has a segment of dots alone';
  return segmentsProblem(parts);
}

/** The rule that a pattern of topics breaks, in words: segments, `+` for one of them, `*` at the end for those that follow. */
export function topicPatternProblem(pattern: string): string | undefined {
  const { characters, segments } = ADDRESS_LIMITS.topic;
  if (pattern.length > characters) return `has ${pattern.length} characters; at most ${characters} are allowed`;
  const parts = pattern.split('/');
  if (parts.length > segments) return `has ${parts.length} segments; at most ${segments} are allowed`;
  const named = parts.filter((part, index) => part !== '+' && !(part === '*' && index === parts.length - 1));
  if (named.some((part) => part.includes('*') || part.includes('+'))) {
    return 'must have + as a whole segment, and * as the whole last one only';
  }
  return segmentsProblem(named);
}

/** Whether this is a namespace: exactly three segments. */
export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text);
}

/** The topic that events of a type are under in a namespace: `<namespace>/ce/<type with slashes for its dots>`. */
export function topicOfType(type: string, namespace: string): string {
  return `${namespace}/ce/${type.replaceAll('.', '/')}`;
}

/**
 * The event type that a topic is, whether anybody knows it or not, and its namespace; nothing for any other topic. Reverse of
 * {@link topicOfType} for types whose segments are not empty.
 */
export function typeOfTopic(topic: string): { namespace: string; type: string } | undefined {
  const match = TYPE_TOPIC.exec(topic);
  const [, namespace, path] = match ?? [];
  // A dot would become one more segment on the way back.
  if (namespace === undefined || path === undefined) return undefined;
  return { namespace, type: path.replaceAll('/', '.') };
}

/**
 * Compiles patterns of topics: `+` stands for one whole segment, `*` as the last one for one segment or more.
 *
 * @throws HeddleError `parameter-invalid` for what is no pattern
 */
export function topicMatcher(patterns: readonly string[], field = 'topicPatterns'): TopicMatcher {
  const exact = new Set<string>();
  const wild: (readonly string[])[] = [];
  for (const pattern of patterns) {
    const problem = topicPatternProblem(pattern);
    if (problem !== undefined) throw invalid(pattern, problem, field);
    if (pattern === '*') return () => true;
    if (pattern.includes('+') || pattern.endsWith('*')) wild.push(pattern.split('/'));
    else exact.add(pattern);
  }
  if (wild.length === 0) return (topic) => exact.has(topic);
  return (topic) => exact.has(topic) || wild.some((pattern) => isMatch(pattern, topic));
}

/**
 * A topic filter of MQTT (3.1.1 and 5, §4.7) as patterns: `#` is the rest there, and means the level above it, too.
 *
 * @throws HeddleError `parameter-invalid` for what is no filter, or names topics that there cannot be
 */
export function mqttPatterns(filter: string, field = 'topicPatterns'): string[] {
  if (filter.includes('*')) throw invalid(filter, 'must not have *, which is # in MQTT', field);
  const patterns =
    filter === '#' ? ['*'] : filter.endsWith('/#') ? [`${filter.slice(0, -1)}*`, filter.slice(0, -2)] : [filter];
  for (const pattern of patterns) {
    const problem = topicPatternProblem(pattern);
    if (problem !== undefined) throw invalid(filter, problem, field);
  }
  return patterns;
}

/** Segment by segment, without taking the topic apart. */
function isMatch(pattern: readonly string[], topic: string): boolean {
  let begin = 0;
  for (let index = 0; index < pattern.length; index += 1) {
    const wanted = pattern[index]!;
    if (begin > topic.length) return false;
    if (wanted === '*') return true;
    let end = topic.indexOf('/', begin);
    if (end < 0) end = topic.length;
    if (wanted !== '+' && (end - begin !== wanted.length || !topic.startsWith(wanted, begin))) return false;
    begin = end + 1;
  }
  return begin > topic.length;
}

function segmentsProblem(parts: readonly string[]): string | undefined {
  if (parts.includes('')) return 'has an empty segment';
  return parts.every((part) => SEGMENT.test(part)) ? undefined : 'must be letters, digits, _, . and - between slashes';
}

function invalid(text: string, rule: string, field: string): HeddleError {
  return new HeddleError('parameter-invalid', `${JSON.stringify(text.slice(0, 200))} ${rule}.`, { field });
}
